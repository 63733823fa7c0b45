import { startFleet } from '@flexder/der-simulators/fleet.ts';
import { wallGridClock } from '@flexder/runtime/clock.ts';
import { mqttBus } from '@flexder/runtime/engines/bus/mqtt.ts';
import { TELEMETRY_LEAST_S, TELEMETRY_MOST_S } from '../limits.ts';
import { credentialsOf, type FleetCredentials, scenarioOf } from '../plan/fleet-file.ts';
import type { Base, ServiceKind, Start } from '../process/kind.ts';
import { type Env, reader, ServeConfigError } from '../settings/config.ts';

/** Between two readings. */
const TELEMETRY_S = 60;

const fleet: ServiceKind = {
  configure(env: Env): Start {
    const problems: string[] = [];
    const read = reader(env, problems);
    const everyS = read.integer('FLEXDER_FLEET_TELEMETRY_SECONDS', TELEMETRY_S, TELEMETRY_LEAST_S, TELEMETRY_MOST_S);
    const file = read.json('FLEXDER_FLEET_FILE', 'a fleet manifest', 'required');
    const logins = read.json('FLEXDER_FLEET_CREDENTIALS', 'the logins of devices and feeders', 'required');
    const story = file === undefined ? undefined : noting(problems, 'FLEXDER_FLEET_FILE', () => scenarioOf(file));
    const ids = story && [
      ...story.scenario.ders.map((der) => der.derId),
      ...story.scenario.feeders.map((one) => one.feederId),
    ];
    const credentials =
      ids && logins !== undefined
        ? noting(problems, 'FLEXDER_FLEET_CREDENTIALS', () => credentialsOf(logins, ids))
        : undefined;
    if (problems.length > 0 || !story || !credentials) throw new ServeConfigError(problems);
    return (base) => start(base, { ...story, credentials, telemetryEveryMs: everyS * 1000 });
  },
  settings: () => ({ FLEXDER_FLEET_TELEMETRY_SECONDS: TELEMETRY_S }),
};
export default fleet;

interface Settings extends ReturnType<typeof scenarioOf> {
  readonly credentials: FleetCredentials;
  readonly telemetryEveryMs: number;
}

async function start(base: Base, { scenario, dsoId, credentials, telemetryEveryMs }: Settings) {
  const { wall, log, activity, config, metrics } = base;
  const { mqttUrl, mqtt } = config.engines;
  await base.reachable('the broker of FLEXDER_MQTT_URL', mqttUrl);
  const bus = mqttBus(mqttUrl, { wall, log, activity }, mqtt);
  const onError = (error: unknown, label: string) => log.error({ error: String(error), label }, 'a timer failed');
  const running = base.keep(
    await startFleet({
      ...{ wall, log, activity, dsoId, telemetryEveryMs },
      grid: wallGridClock(wall, onError),
      connect: (options) => bus.connect(options),
      ders: scenario.ders,
      feeders: scenario.feeders,
      seed: scenario.seed,
      credentials: (id) => credentials[id]!,
      live: true,
    }),
  );
  return {
    url: '',
    measure() {
      const { devices, connected, undelivered, commandsReceived } = running.counts;
      metrics.gauge('fleet_devices', devices);
      metrics.gauge('fleet_connected', connected);
      metrics.gauge('fleet_commands_received', commandsReceived);
      metrics.gauge('fleet_undelivered', undelivered);
    },
    async health() {
      const { devices, connected } = running.counts;
      const detail = `${connected} of ${devices} simulated devices connected since the start`;
      return { ready: true, dependencies: { devices: { ok: true, detail, ageMs: 0 } } };
    },
  };
}

function noting<T>(problems: string[], variable: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    problems.push(`${variable}: ${error.message}.`);
    return undefined;
  }
}
