import { type Command, integer, print, required, say, text, UsageError, type Values } from '../command.ts';

const command: Command = {
  summary: 'Measures detection to dispatch over many activations or a large fleet, or what a signed message costs',
  arguments: 'activation|fleet|inbound',
  options: {
    n: { type: 'string', value: 'N', help: 'activations (200) or messages (4000)' },
    ders: { type: 'string', value: 'N', help: 'simulated devices: activation (300), fleet (10000)' },
    bpps: { type: 'string', value: 'N', help: 'fleet: aggregators; one for each 2000 devices when absent' },
    mqtt: {
      type: 'string',
      value: 'URL',
      help: 'fleet: embedded, or a Mosquitto that runs from --mosquitto (embedded)',
    },
    mosquitto: { type: 'string', value: 'DIR', help: 'fleet: folder of that Mosquitto; its accounts are replaced' },
    hung: { type: 'string', value: 'N', help: 'activation: BPPs beside the two that accept and never answer (0)' },
    seed: { type: 'string', value: 'N', help: 'activation, fleet: the seed (1)' },
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
    if (what === 'fleet') {
      const { benchFleet } = await import('@flexder/bench/fleet.ts');
      const ders = integer(values, 'ders', 10_000, 20, 20_000);
      const result = await benchFleet(
        {
          ders,
          bpps: integer(values, 'bpps', Math.ceil(ders / 2_000), 1, 32),
          seed: integer(values, 'seed', 1, 0, 2_147_483_647),
          ...(await outsideOf(values)),
        },
        say,
      );
      print(JSON.stringify(result));
      return 0;
    }
    if (what === 'devices') {
      if (!process.send) throw new UsageError('`bench devices` is started by `flexder bench fleet` alone');
      const { serveDevices } = await import('@flexder/bench/fleet-devices.ts');
      await serveDevices();
      return 0;
    }
    if (what === 'inbound') {
      const { benchInbound } = await import('@flexder/bench/inbound.ts');
      print(JSON.stringify(await benchInbound({ n: integer(values, 'n', 4_000, 8, 1_000_000) }, say)));
      return 0;
    }
    throw new UsageError(
      'say what to measure: `flexder bench activation`, `flexder bench fleet` or `flexder bench inbound`',
    );
  },
};
export default command;

async function outsideOf(values: Values) {
  const url = text(values, 'mqtt') ?? 'embedded';
  if (url === 'embedded') return {};
  const { isMqttUrl } = await import('@flexder/runtime/engines/bus/settings.ts');
  if (!isMqttUrl(url)) throw new UsageError('--mqtt must be embedded or mqtt://HOST:PORT');
  const { mosquittoIn } = await import('../../network/mosquitto.ts');
  return { outside: mosquittoIn(required(values, 'mosquitto'), url) };
}
