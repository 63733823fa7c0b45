/**
 * A process that works on a queue, to be killed: `queue-worker.ts QUEUE_URL SUBSCRIBER`. Says `begin ID` and `end ID` of
 * each job, a line each, and takes 200 ms for one.
 */
import { redisQueueEngine } from '../engines/queue/redis.ts';
import { testDeps } from './quiet.ts';

const [url = '', subscriber = ''] = process.argv.slice(2);
const engine = await redisQueueEngine(url, testDeps());
const queue = await engine.open(subscriber);
const say = (line: string) => process.stdout.write(`${line}\n`);
await queue.process({
  send: async (data) => {
    const { id } = data as { id: string };
    say(`begin ${id}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
    say(`end ${id}`);
  },
});
say('ready');
