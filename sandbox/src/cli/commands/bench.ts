import { type Command, integer, print, say, UsageError } from '../command.ts';

const command: Command = {
  summary: 'Measures detection to dispatch over many activations',
  arguments: 'activation [--n N] [--hung N]',
  options: {
    n: { type: 'string', value: 'N', help: 'activations (200)' },
    ders: { type: 'string', value: 'N', help: 'activation: simulated devices (300)' },
    hung: { type: 'string', value: 'N', help: 'activation: BPPs beside the two that accept and never answer (0)' },
    seed: { type: 'string', value: 'N', help: 'activation: the seed (1)' },
  },
  async run(values, [what]) {
    if (what === 'activation') {
      const { benchActivation } = await import('../../bench/activation.ts');
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
    throw new UsageError('say what to measure: `flexder bench activation`');
  },
};
export default command;
