import { type Command, integer, print, required, say, UsageError } from '../command.ts';

const command: Command = {
  summary: 'Measures detection to dispatch over many activations, what a signed message costs, or telemetry over Kafka',
  arguments: 'activation|inbound|stream [--n N]',
  options: {
    n: { type: 'string', value: 'N', help: 'activations (200), messages (4000) or readings (30000)' },
    kafka: { type: 'string', value: 'URL', help: 'stream: kafka://HOST:PORT/PREFIX of a broker that is up' },
    ders: { type: 'string', value: 'N', help: 'activation: simulated devices (300)' },
    hung: { type: 'string', value: 'N', help: 'activation: BPPs beside the two that accept and never answer (0)' },
    seed: { type: 'string', value: 'N', help: 'activation: the seed (1)' },
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
    if (what === 'stream') {
      const { benchStream } = await import('@flexder/bench/stream.ts');
      const options = { url: required(values, 'kafka'), n: integer(values, 'n', 30_000, 60, 1_000_000) };
      print(JSON.stringify(await benchStream(options, say)));
      return 0;
    }
    throw new UsageError('say what to measure: `flexder bench activation`, `inbound` or `stream`');
  },
};
export default command;
