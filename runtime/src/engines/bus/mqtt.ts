import type { Activity } from '../../activity.ts';
import type { WallClock } from '../../clock.ts';
import type { Logger } from '../../logging.ts';
import { engineLimits } from '../limits.ts';
import { clientOver } from './client.ts';
import {
  type Attempt,
  acceptsAnonymous,
  begin,
  clientIdOf,
  firstConnection,
  NotSpokenError,
  type Opened,
} from './connection.ts';
import type { BusConnectOptions, DeviceBus } from './port.ts';
import { type MqttSettings, mqttProblem } from './settings.ts';

export interface MqttDeps {
  readonly wall: WallClock;
  readonly log: Logger;
  readonly activity: Activity;
}

/**
 * The device bus on any MQTT broker. Without `settings` it is the embedded one, which is known: MQTT 3.1.1, nobody
 * anonymous. Throws when URL and settings do not go together.
 */
export function mqttBus(url: string, deps: MqttDeps, settings?: MqttSettings): DeviceBus {
  const problem = settings && mqttProblem(url, settings);
  if (problem !== undefined) throw new Error(problem);
  const own = complaining(deps);
  const open = settings?.version === 'auto' ? negotiating(url, own, settings) : fixed(url, own, settings);
  let checked: Promise<void> | undefined;
  return {
    kind: 'mqtt',
    url,
    async connect(options) {
      const { client, connack, version } = await open(options);
      if (settings) {
        checked ??= refuseAnonymous({ url, version, wall: deps.wall, tls: settings.tls }, deps, settings, options);
        await checked.catch((error) => {
          checked = undefined;
          client.end(true);
          throw error;
        });
      }
      const { password: secret } = options;
      return clientOver({ client, connack, version, secret, clientId: clientIdOf(options) }, deps);
    },
  };
}

type Open = (options: BusConnectOptions) => Promise<Opened & { readonly version: 4 | 5 }>;

async function openWith(attempt: Attempt, options: BusConnectOptions, { complain }: Deps): ReturnType<Open> {
  const client = begin(attempt, options);
  const { url, version } = attempt;
  client.on('error', ({ message }) => complain({ url, clientId: clientIdOf(options), error: message }));
  client.on('connect', () => {
    // Nagle and the delayed acknowledgement together make 40 ms of each round trip.
    (client.stream as { setNoDelay?: (on: boolean) => void }).setNoDelay?.(true);
  });
  return { client, connack: await firstConnection(client, attempt), version };
}

/** Failures of connections of one bus; the same one is said once a minute. */
interface Deps extends MqttDeps {
  complain(failure: { readonly url: string; readonly clientId: string; readonly error: string }): void;
}

function complaining(deps: MqttDeps): Deps {
  const { wall, log } = deps;
  let last: { readonly error: string; readonly atMs: number } | undefined;
  return {
    ...deps,
    complain(failure) {
      const atMs = wall.monotonicMs();
      if (last?.error === failure.error && atMs - last.atMs < engineLimits.busLogMs) return;
      last = { error: failure.error, atMs };
      log.warn(failure, 'bus connection failed');
    },
  };
}

function fixed(url: string, deps: Deps, settings: MqttSettings | undefined): Open {
  const version = settings?.version === 5 ? 5 : 4;
  return (options) => openWith({ url, version, wall: deps.wall, tls: settings?.tls }, options, deps);
}

/** Asks for MQTT 5 and, where that is not spoken, for 3.1.1; the answer to the first connection holds for all. */
function negotiating(url: string, deps: Deps, { tls }: MqttSettings): Open {
  const attempt = { url, wall: deps.wall, tls };
  let known: Promise<4 | 5> | undefined;
  const negotiate: Open = async (options) => {
    try {
      return await openWith({ ...attempt, version: 5, once: true }, options, deps);
    } catch (error) {
      if (!(error instanceof NotSpokenError)) throw error;
      deps.log.info({ url, reason: error.message }, 'MQTT 3.1.1 is used: commands do not expire at the broker');
      return openWith({ ...attempt, version: 4 }, options, deps);
    }
  };
  return async (options) => {
    if (known) {
      const version = await known.catch(() => undefined);
      if (version !== undefined) return openWith({ ...attempt, version }, options, deps);
    }
    const opening = negotiate(options);
    known = opening.then((opened) => opened.version);
    known.catch(() => {
      known = undefined;
    });
    return opening;
  };
}

/** Rejects (strict) or warns (sandbox) when anybody may use the broker. */
async function refuseAnonymous(
  attempt: Attempt,
  { log }: MqttDeps,
  { profile }: MqttSettings,
  options: BusConnectOptions,
): Promise<void> {
  if (!(await acceptsAnonymous(attempt, `${clientIdOf(options)}.anonymous`))) return;
  const said = `the MQTT broker at ${attempt.url} accepts connections without credentials, so anybody can command devices`;
  if (profile === 'strict')
    throw new Error(`${said}: forbid it at the broker (Mosquitto: allow_anonymous false), then start again`);
  log.warn({ url: attempt.url }, `${said}; only the sandbox profile tolerates it`);
}
