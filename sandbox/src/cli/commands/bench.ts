import { type Command, integer, print, say, UsageError } from '../command.ts';
import { DATABASE_OPTION, databaseUrlOf } from '../database-option.ts';

const command: Command = {
  summary: 'Measures detection to dispatch, what a signed message costs, or telemetry into the database',
  arguments: 'activation|inbound|ingest [--n N]',
  options: {
    n: { type: 'string', value: 'N', help: 'activations (200), messages (4000) or rows (80000)' },
    ders: { type: 'string', value: 'N', help: 'activation: simulated devices (300)' },
    hung: { type: 'string', value: 'N', help: 'activation: BPPs beside the two that accept and never answer (0)' },
    seed: { type: 'string', value: 'N', help: 'activation: the seed (1)' },
    ...DATABASE_OPTION,
  },
  async run(values, [what]) {
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
    if (what === 'ingest') {
      const { benchIngest } = await import('@flexder/bench/ingest.ts');
      const n = integer(values, 'n', 80_000, 8_000, 400_000);
      print(JSON.stringify(await benchIngest({ n, databaseUrl: databaseUrlOf(values) }, say)));
      return 0;
    }
    throw new UsageError('say what to measure: `flexder bench activation`, `inbound` or `ingest`');
  },
};
export default command;
