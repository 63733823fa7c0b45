import { tokenSha256 } from '@flexder/runtime/access/people.ts';
import { systemIds } from '@flexder/runtime/context.ts';
import { pace } from '../../network/pace.ts';
import { eveningPeak } from '../../scenario/evening-peak.ts';
import { eveningPeakNow } from '../../scenario/starting-now.ts';
import { type Command, integer, print, say, text, UsageError, type Values } from '../command.ts';
import { ENGINE_OPTIONS, engineLine, enginesOf, refuseEarlierRun } from '../engine-options.ts';
import { dataFolder, logLevelOf, SCENARIO_OPTIONS, scenarioOf } from '../scenario-options.ts';
import { untilInterrupted } from '../signals.ts';

const command: Command = {
  summary: 'Runs the whole network in one process and serves the DSO’s page',
  arguments: '[--speed N] [--port N] [--json]',
  options: {
    speed: { type: 'string', value: 'N', help: 'grid seconds per second, 1 to 3600 (60; 1 with --bpps 0)' },
    'ocpp-every': {
      type: 'string',
      value: 'N',
      help: 'one in N simulated chargers speaks OCPP instead of MQTT (none)',
    },
    mode: { type: 'string', value: 'M', help: 'who decides: automatic, supervised or manual (automatic)' },
    json: { type: 'boolean', help: 'once ready, one line of JSON with every address' },
    ...SCENARIO_OPTIONS,
    ...ENGINE_OPTIONS,
  },
  async run(values, positionals) {
    if (positionals.length > 0) throw new UsageError(`up takes options only, not ${JSON.stringify(positionals[0])}`);
    const outside = integer(values, 'bpps', 2, 0, 32) === 0;
    const speed = integer(values, 'speed', outside ? 1 : 60, 1, 3600);
    if (outside && speed !== 1 && text(values, 'speed') !== undefined) {
      throw new UsageError('aggregators from outside live in real time: --bpps 0 goes with --speed 1');
    }
    const time = speed === 1 ? 'wall' : 'stepped';
    const scenario = scenarioOf(
      values,
      time === 'wall' ? (options) => eveningPeakNow(options, Date.now()) : eveningPeak,
    );
    const ocppEvery =
      text(values, 'ocpp-every') === undefined ? undefined : integer(values, 'ocpp-every', 10, 1, 1_000);
    const mode = modeOf(values);
    // Whoever reads the terminal may act; the token ends with the run.
    const token = Buffer.from(systemIds().secret(24)).toString('base64url');
    const engines = enginesOf(values, process.env);
    const data = dataFolder(values);
    try {
      const { startNetwork } = await import('../../network/network.ts');
      await refuseEarlierRun(engines, scenario, data.path);
      say(engineLine(engines));
      await using network = await startNetwork({
        scenario,
        dataDir: data.path,
        ...engines,
        port: integer(values, 'port', 3000, 0, 65_535),
        logLevel: logLevelOf(values),
        time,
        bap: {
          operators: [{ name: 'sandbox-operator', role: 'operator', tokenSha256: tokenSha256(token) }],
          ...(mode !== 'automatic' && { modes: [{ mode, countdownSeconds: COUNTDOWN_S }] }),
        },
        ...(ocppEvery !== undefined && { ocppEvery }),
      });
      const stopped = untilInterrupted();
      const addresses = {
        dashboard: `${network.bap.url}/`,
        operator: `${network.bap.url}/#/sign-in/${token}`,
        registry: network.registry.url,
        gateway: network.gateway.url,
        mqtt: network.mqttUrl,
        ...(ocppEvery !== undefined && { ocpp: network.aggregators.map(({ ocppUrl }) => ocppUrl) }),
        participants: network.participants,
      };
      say(`Simulated network is up. The DSO's page: ${addresses.dashboard}`);
      say(`To act on it, as its operator for this run: ${addresses.operator}`);
      if (values.json === true) print(JSON.stringify(addresses));
      if (time === 'stepped') await Promise.race([stopped.promise, pace(network, speed, stopped.signal)]);
      await stopped.promise;
      say('Stopping…');
      return 0;
    } finally {
      data.remove();
    }
  },
};
export default command;

/** A person who looks at the page; the grid meanwhile lives through half an hour at the usual speed. */
const COUNTDOWN_S = 30;
const MODES = ['automatic', 'supervised', 'manual'] as const;

function modeOf(values: Values): (typeof MODES)[number] {
  const given = text(values, 'mode') ?? 'automatic';
  const mode = MODES.find((one) => one === given);
  if (mode === undefined)
    throw new UsageError(`--mode must be one of ${MODES.join(', ')}, not ${JSON.stringify(given)}`);
  return mode;
}
