import { connect, type IClientOptions, type IConnackPacket, type MqttClient } from 'mqtt';
import type { WallClock } from '../../clock.ts';
import { engineLimits } from '../limits.ts';
import type { BusConnectOptions } from './port.ts';
import type { MqttTls } from './settings.ts';

export interface Opened {
  readonly client: MqttClient;
  /** What the broker said to it. */
  readonly connack: IConnackPacket;
}

/** A broker that ended a connection which asked for MQTT 5 without taking or refusing the login. */
export class NotSpokenError extends Error {
  override name = 'NotSpokenError';
}

/** Nobody answered within the bound for a first connection; a broker that says no is another error. */
export class BrokerAwayError extends Error {
  override name = 'BrokerAwayError';
}

export interface Attempt {
  readonly url: string;
  readonly version: 4 | 5;
  readonly wall: WallClock;
  readonly tls: MqttTls | undefined;
  /** Whether a connection that ends unanswered ends the attempt: the broker may know an older MQTT only. */
  readonly once?: boolean;
}

/** Client id as the broker sees it. */
export function clientIdOf({ clientId, instance }: Pick<BusConnectOptions, 'clientId' | 'instance'>): string {
  return instance === undefined ? clientId : `${clientId}.${instance}`;
}

/** Begins to connect, and to connect again whenever the connection ends. */
export function begin({ url, version, tls }: Attempt, options: BusConnectOptions): MqttClient {
  const { username, password, will } = options;
  const client = connect(url, {
    ...tlsOptions(tls),
    clientId: clientIdOf(options),
    username,
    password,
    protocolVersion: version,
    clean: true,
    resubscribe: true,
    // The library describes each packet a dozen times over, listened to or not.
    log: () => {},
    queueQoSZero: false,
    reconnectPeriod: engineLimits.busReconnectMs,
    connectTimeout: engineLimits.busConnectMs,
    // After the first connection a refusal may pass: an account that is being set up again after a restart.
    reconnectOnConnackError: true,
    ...(will ? { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1 as const, retain: true } } : {}),
  });
  client.setMaxListeners(0);
  return client;
}

function tlsOptions(tls: MqttTls | undefined): Partial<IClientOptions> {
  return { ...tls, rejectUnauthorized: true };
}

/** Of CONNACK: MQTT 3.1.1's 1 and MQTT 5's 132 both say that this version is not spoken. */
const OTHER_VERSION = new Set<unknown>([1, 132]);
/** Errors of a socket after which asking again is of no use: the broker's certificate will not be another. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL|ERR_OSSL/;

/** Resolves when connected; rejects at once when the broker says no, and after a bound when it does not answer. */
export function firstConnection(client: MqttClient, { url, version, wall, once }: Attempt): Promise<IConnackPacket> {
  return new Promise((resolve, reject) => {
    let last: string | undefined;
    const settle = (error: Error | undefined, connack?: IConnackPacket) => {
      disarm();
      client.off('connect', onConnect);
      client.off('error', onError);
      client.off('close', onClose);
      if (connack) return resolve(connack);
      client.end(true);
      reject(error);
    };
    const onConnect = (connack: IConnackPacket) => settle(undefined, connack);
    const onError = (error: Error & { code?: number | string }) => {
      // A broker that does not know the version may hang up while we still write.
      if (once && error.code === 'ECONNRESET') return;
      last = error.message || String(error.code);
      if (version === 5 && OTHER_VERSION.has(error.code)) return settle(notSpoken(url, last));
      // A number is the return code of CONNACK: asking again changes nothing.
      if (typeof error.code === 'number')
        settle(new Error(`the MQTT broker at ${url} refused the connection: ${last}`));
      else if (typeof error.code === 'string' && CERTIFICATE.test(error.code))
        settle(new Error(`no secure connection to the MQTT broker at ${url}: ${last} (${error.code})`));
    };
    const onClose = () => {
      if (once && last === undefined) settle(notSpoken(url, 'it ended the connection'));
    };
    const disarm = wall.after(engineLimits.busFirstConnectMs, () =>
      settle(
        new BrokerAwayError(
          `no MQTT broker at ${url} within ${engineLimits.busFirstConnectMs} ms: ${last ?? 'no answer'}`,
        ),
      ),
    );
    client.on('connect', onConnect);
    client.on('error', onError);
    client.on('close', onClose);
  });
}

function notSpoken(url: string, why: string): NotSpokenError {
  return new NotSpokenError(`the MQTT broker at ${url} does not speak MQTT 5: ${why}`);
}

/** Whether the broker lets somebody in who shows neither login nor certificate. No answer is a no. */
export function acceptsAnonymous({ url, version, wall, tls }: Attempt, clientId: string): Promise<boolean> {
  const client = connect(url, {
    ...tlsOptions(tls?.ca === undefined ? undefined : { ca: tls.ca }),
    clientId,
    protocolVersion: version,
    clean: true,
    reconnectPeriod: 0,
    connectTimeout: engineLimits.busConnectMs,
  });
  return new Promise((resolve) => {
    const settle = (accepted: boolean) => {
      disarm();
      client.end(true);
      resolve(accepted);
    };
    const disarm = wall.after(engineLimits.busConnectMs, () => settle(false));
    client.on('connect', () => settle(true));
    client.on('error', () => settle(false));
    client.on('close', () => settle(false));
  });
}
