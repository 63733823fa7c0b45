import { once } from 'node:events';
import { type Command, integer, print, required, say, text, UsageError } from '../command.ts';

/** How the bench starts its own processes. */
const FAN_OUT_PROCESS = 'fan-out-process';

const command: Command = {
  summary: 'Measures detection to dispatch over many activations, what a signed message costs, or a shared fan-out',
  arguments: 'activation|inbound|fan-out [--n N]',
  options: {
    n: { type: 'string', value: 'N', help: 'activations (200) or messages (4000)' },
    ders: { type: 'string', value: 'N', help: 'simulated devices (activation 300, fan-out 10000)' },
    processes: { type: 'string', value: 'N', help: 'fan-out: processes that share it (3)' },
    database: { type: 'string', value: 'URL', help: 'fan-out: postgres:// that the processes share' },
    queue: { type: 'string', value: 'URL', help: 'fan-out: their job queue; the database when absent' },
    hung: { type: 'string', value: 'N', help: 'activation: BPPs beside the two that accept and never answer (0)' },
    seed: { type: 'string', value: 'N', help: 'activation: the seed (1)' },
  },
  async run(values, [what, place]) {
    if (what === 'activation') {
      const { benchActivation } = await import('@flexder/bench/activation.ts');
      const result = await benchActivation(
        {
          n: integer(values, 'n', 200, 1, 100_000),
          ders: integer(values, 'ders', 300, 20, 20_000),
          hung: integer(values, 'hung', 0, 0, 8),
          seed: integer(values, 'seed', 1, 0, 2_147_483_647),
        },
        say,
      );
      print(JSON.stringify(result));
      return 0;
    }
    if (what === 'inbound') {
      const { benchInbound } = await import('@flexder/bench/inbound.ts');
      print(JSON.stringify(await benchInbound({ n: integer(values, 'n', 4_000, 8, 1_000_000) }, say)));
      return 0;
    }
    if (what === 'fan-out') {
      const { benchFanOut } = await import('@flexder/bench/fan-out.ts');
      const databaseUrl = required(values, 'database');
      const result = await benchFanOut(
        {
          ders: integer(values, 'ders', 10_000, 50, 20_000),
          processes: integer(values, 'processes', 3, 1, 16),
          databaseUrl,
          queueUrl: text(values, 'queue') ?? databaseUrl,
          startProcess: [...process.execArgv, process.argv[1]!, 'bench', FAN_OUT_PROCESS],
        },
        say,
      );
      print(JSON.stringify(result));
      return 0;
    }
    if (what === FAN_OUT_PROCESS) {
      const { runFanOutProcess } = await import('@flexder/bench/fan-out-process.ts');
      const ended = once(process.stdin.resume(), 'end');
      await runFanOutProcess(place ?? '', ended, print);
      return 0;
    }
    throw new UsageError('say what to measure: `flexder bench activation`, `inbound` or `fan-out`');
  },
};
export default command;
