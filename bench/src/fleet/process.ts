/** The devices of the fleet bench as the first process sees them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import type { DevicesAnswer, DevicesRequest, DevicesStart } from './devices.ts';

export interface RemoteFleet {
  readonly pid: number;
  start(start: DevicesStart): Promise<void>;
  /** Lifts a feeder's load to this share of its limit, from its next reading on; null lowers it again. */
  load(feederId: string, share: number | null): Promise<void>;
  counts(): Promise<NonNullable<DevicesAnswer['counts']>>;
  close(): Promise<void>;
}

/** In the field devices are no load of this machine: their process has what the services leave. */
const YIELDING = 10;

/** Starts this very command again, for the devices. */
export async function spawnDevices(): Promise<RemoteFleet> {
  const args = [...process.execArgv, process.argv[1]!, 'bench', 'devices'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  setPriority(child.pid!, YIELDING);
  const answers = answersOf(child);
  await answers.next();
  let turn: Promise<unknown> = Promise.resolve();
  /** One question after the other. */
  const ask = (request: DevicesRequest): Promise<DevicesAnswer> => {
    const mine = turn.then(async () => {
      child.send(request);
      const answer = await answers.next();
      if (answer.error !== undefined) throw new Error(`the devices could not ${request.ask}: ${answer.error}`);
      return answer;
    });
    turn = mine.catch(() => {});
    return mine;
  };
  const asked = async (request: DevicesRequest) => void (await ask(request));
  return {
    pid: child.pid!,
    start: (start) => asked({ ask: 'start', ...start }),
    load: (feederId, share) => asked({ ask: 'load', feederId, share }),
    counts: async () => (await ask({ ask: 'counts' })).counts!,
    async close() {
      if (child.exitCode !== null) return;
      const exited = once(child, 'exit');
      await asked({ ask: 'close' }).catch(() => child.kill());
      await exited;
    },
  };
}

/** What the child says, one by one; rejects once it has ended. */
function answersOf(child: ChildProcess) {
  let waiting: { resolve(answer: DevicesAnswer): void; reject(error: Error): void } | undefined;
  let gone: Error | undefined;
  child.on('message', (answer: DevicesAnswer) => waiting?.resolve(answer));
  child.on('exit', (code) => {
    gone = new Error(`the process of the devices ended with ${code}`);
    waiting?.reject(gone);
  });
  return {
    next: () =>
      new Promise<DevicesAnswer>((resolve, reject) => {
        if (gone) reject(gone);
        else waiting = { resolve, reject };
      }),
  };
}
