import { once } from 'node:events';
import { type Command, integer, print, required, say, text, UsageError, type Values } from '../command.ts';
import { DATABASE_OPTION, databaseUrlOf } from '../database-option.ts';

const LARGEST_SEED = 2_147_483_647;
const seedOf = (values: Values) => integer(values, 'seed', 1, 0, LARGEST_SEED);

/** Each loads its own code only and resolves with what is printed as one line of JSON. */
const BENCHES: Record<string, (values: Values) => Promise<object>> = {
  async activation(values) {
    const { benchActivation } = await import('@flexder/bench/activation.ts');
    const n = integer(values, 'n', 200, 1, 100_000);
    const ders = integer(values, 'ders', 300, 20, 20_000);
    return benchActivation({ n, ders, hung: integer(values, 'hung', 0, 0, 8), seed: seedOf(values) }, say);
  },
  async audit(values) {
    const { benchAudit } = await import('@flexder/bench/audit.ts');
    return benchAudit({ n: integer(values, 'n', 20_000, 40, 1_000_000) }, say);
  },
  async settlement(values) {
    const { benchSettlement } = await import('@flexder/bench/settlement.ts');
    const n = integer(values, 'n', 10_000, 1, 100_000);
    return benchSettlement({ n, stored: Math.min(n, 200) }, say);
  },
  async fleet(values) {
    const { benchFleet } = await import('@flexder/bench/fleet.ts');
    const ders = integer(values, 'ders', 10_000, 20, 20_000);
    const bpps = integer(values, 'bpps', Math.ceil(ders / 2_000), 1, 32);
    const databaseUrl = databaseUrlOf(values);
    const warmUpFeeders = integer(values, 'warm-up', 3, 0, 20);
    return benchFleet(
      { ders, bpps, warmUpFeeders, databaseUrl, seed: seedOf(values), ...(await outsideOf(values)) },
      say,
    );
  },
  async 'fan-out'(values) {
    const { benchFanOut } = await import('@flexder/bench/fan-out.ts');
    const databaseUrl = databaseUrlOf(values) ?? required(values, 'database');
    const ders = integer(values, 'ders', 10_000, 50, 20_000);
    const processes = integer(values, 'processes', 3, 1, 16);
    const startProcess = [...process.execArgv, process.argv[1] ?? '', 'bench', 'fan-out-process'];
    return benchFanOut(
      { ders, processes, databaseUrl, queueUrl: text(values, 'queue') ?? databaseUrl, startProcess },
      say,
    );
  },
  async forecast(values) {
    const { benchForecast } = await import('@flexder/bench/forecast.ts');
    return benchForecast({ feeders: integer(values, 'feeders', 10_000, 10, 20_000) }, say);
  },
  async feeders(values) {
    const { benchFeeders } = await import('@flexder/bench/feeders.ts');
    const n = integer(values, 'n', 50_000, 500, 50_000);
    const feeders = integer(values, 'feeders', 10_000, 10, 10_000);
    return benchFeeders({ n, feeders, databaseUrl: databaseUrlOf(values) }, say);
  },
  async inbound(values) {
    const { benchInbound } = await import('@flexder/bench/inbound.ts');
    return benchInbound({ n: integer(values, 'n', 4_000, 8, 1_000_000) }, say);
  },
  async ingest(values) {
    const { benchIngest } = await import('@flexder/bench/ingest.ts');
    return benchIngest({ n: integer(values, 'n', 80_000, 8_000, 400_000), databaseUrl: databaseUrlOf(values) }, say);
  },
  async 'joint-plan'(values) {
    const { benchJointPlan } = await import('@flexder/bench/joint-plan.ts');
    const rounds = integer(values, 'n', 5, 1, 1_000);
    return benchJointPlan({ needs: [2, 5, 20], offers: [100, 1_000], rounds, seed: seedOf(values) }, say);
  },
  async plan(values) {
    const { benchPlan } = await import('@flexder/bench/plan.ts');
    const rounds = integer(values, 'n', 10, 1, 1_000);
    return benchPlan({ sizes: [100, 1_000, 10_000], rounds, seed: seedOf(values) }, say);
  },
  async stream(values) {
    const { benchStream } = await import('@flexder/bench/stream.ts');
    const feeders = integer(values, 'feeders', 100, 10, 10_000);
    return benchStream(
      { url: required(values, 'kafka'), n: integer(values, 'n', 30_000, 60, 1_000_000), feeders },
      say,
    );
  },
};

const command: Command = {
  summary: 'Measures: detection to dispatch, a large fleet, a signed message, telemetry, the audit chain, settlement',
  arguments: Object.keys(BENCHES).join('|'),
  options: {
    n: {
      type: 'string',
      value: 'N',
      help: 'activations (200; settlement 10000), messages (4000), rows (80000), readings (30000; feeders 50000), records (20000) or plans of each size (10; joint-plan 5)',
    },
    kafka: { type: 'string', value: 'URL', help: 'stream: kafka://HOST:PORT/PREFIX of a broker that is up' },
    ders: { type: 'string', value: 'N', help: 'simulated devices: activation (300), fleet and fan-out (10000)' },
    bpps: { type: 'string', value: 'N', help: 'fleet: aggregators; one for each 2000 devices when absent' },
    'warm-up': { type: 'string', value: 'N', help: 'fleet: small feeders relieved before, so that code is warm (3)' },
    mqtt: {
      type: 'string',
      value: 'URL',
      help: 'fleet: embedded, or a Mosquitto that runs from --mosquitto (embedded)',
    },
    mosquitto: { type: 'string', value: 'DIR', help: 'fleet: folder of that Mosquitto; its accounts are replaced' },
    processes: { type: 'string', value: 'N', help: 'fan-out: processes that share it (3)' },
    queue: { type: 'string', value: 'URL', help: 'fan-out: their job queue; the database when absent' },
    feeders: {
      type: 'string',
      value: 'N',
      help: 'forecast, feeders: the largest number of feeders (10000); stream: their number (100)',
    },
    hung: { type: 'string', value: 'N', help: 'activation: BPPs beside the two that accept and never answer (0)' },
    seed: { type: 'string', value: 'N', help: 'activation, fleet, plan, joint-plan: the seed (1)' },
    ...DATABASE_OPTION,
  },
  async run(values, [what = '', place = '']) {
    if (what === 'devices') return devices();
    if (what === 'fan-out-process') return fanOutProcess(place);
    const bench = Object.hasOwn(BENCHES, what) ? BENCHES[what] : undefined;
    if (!bench) throw new UsageError(`say what to measure: ${Object.keys(BENCHES).join(', ')}`);
    print(JSON.stringify(await bench(values)));
    return 0;
  },
};
export default command;

/** The other half of `fleet`, in a process of its own. */
async function devices(): Promise<number> {
  if (!process.send) throw new UsageError('`bench devices` is started by `flexder bench fleet` alone');
  const { serveDevices } = await import('@flexder/bench/fleet/devices.ts');
  await serveDevices();
  // Devices that are still connected would keep a process whose parent has gone.
  process.exit(0);
}

/** One of the processes of `fan-out`; ends with its standard input. */
async function fanOutProcess(place: string): Promise<number> {
  const { runFanOutProcess } = await import('@flexder/bench/fan-out-process.ts');
  await runFanOutProcess(place, once(process.stdin.resume(), 'end'), print);
  return 0;
}

async function outsideOf(values: Values) {
  const url = text(values, 'mqtt') ?? 'embedded';
  if (url === 'embedded') return {};
  const { isMqttUrl } = await import('@flexder/runtime/engines/bus/settings.ts');
  if (!isMqttUrl(url)) throw new UsageError('--mqtt must be embedded or mqtt://HOST:PORT');
  const { mosquittoIn } = await import('../../network/mosquitto.ts');
  return { outside: mosquittoIn(required(values, 'mosquitto'), url) };
}
