import { connect, type MqttClient } from 'mqtt';
import type { Activity } from '../../activity.ts';
import type { WallClock } from '../../clock.ts';
import type { Logger } from '../../logging.ts';
import { within } from '../../service.ts';
import { engineLimits } from '../limits.ts';
import { isTopicFilter, isTopicName } from './filters.ts';
import type { BusClient, BusConnectOptions, DeviceBus } from './port.ts';
import { publisher } from './publisher.ts';
import { busRouter } from './router.ts';

export interface MqttDeps {
  readonly wall: WallClock;
  readonly log: Logger;
  readonly activity: Activity;
  /** 4 is MQTT 3.1.1, which every broker speaks; 5 adds the expiry of commands at the broker. */
  readonly protocolVersion?: 4 | 5;
}

/** The device bus on any MQTT broker. */
export function mqttBus(url: string, deps: MqttDeps): DeviceBus {
  return { kind: 'mqtt', url, connect: (options) => connectBus(url, options, deps) };
}

/** Resolves when connected; rejects at once when the broker says no, and after a bound when it does not answer. */
function firstConnection(client: MqttClient, url: string, wall: WallClock): Promise<void> {
  return new Promise((resolve, reject) => {
    let last = 'no answer';
    const settle = (error?: Error) => {
      disarm();
      client.off('connect', onConnect);
      client.off('error', onError);
      if (!error) return resolve();
      client.end(true);
      reject(error);
    };
    const onConnect = () => settle();
    const onError = (error: Error & { code?: number | string }) => {
      last = error.message || String(error.code);
      // A number is the return code of CONNACK: asking again changes nothing.
      if (typeof error.code === 'number')
        settle(new Error(`the MQTT broker at ${url} refused the connection: ${last}`));
    };
    const disarm = wall.after(engineLimits.busFirstConnectMs, () =>
      settle(new Error(`no MQTT broker at ${url} within ${engineLimits.busFirstConnectMs} ms: ${last}`)),
    );
    client.on('connect', onConnect);
    client.on('error', onError);
  });
}

async function connectBus(url: string, options: BusConnectOptions, deps: MqttDeps): Promise<BusClient> {
  const { wall, log, activity, protocolVersion = 4 } = deps;
  const { clientId, username, password, will } = options;
  const client = connect(url, {
    clientId,
    username,
    password,
    protocolVersion,
    clean: true,
    resubscribe: true,
    queueQoSZero: false,
    reconnectPeriod: engineLimits.busReconnectMs,
    connectTimeout: engineLimits.busConnectMs,
    // After the first connection a refusal may pass: an account that is being set up again after a restart.
    reconnectOnConnackError: true,
    ...(will ? { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1 as const, retain: true } } : {}),
  });
  client.setMaxListeners(0);
  client.on('error', (error) => log.warn({ url, clientId, error: error.message }, 'bus connection failed'));
  client.on('connect', () => {
    // Nagle and the delayed acknowledgement together make 40 ms of each round trip.
    (client.stream as { setNoDelay?: (on: boolean) => void }).setNoDelay?.(true);
  });
  await firstConnection(client, url, wall);
  return clientOver(client, clientId, { wall, log, activity });
}

type ClientDeps = Pick<MqttDeps, 'wall' | 'log' | 'activity'>;

function clientOver(client: MqttClient, clientId: string, { wall, log, activity }: ClientDeps): BusClient {
  const routes = busRouter(log);
  const outgoing = publisher(client, wall);
  const counts = { sent: 0, received: 0 };
  let closing: Promise<void> | undefined;
  client.on('message', (topic, payload, packet) => {
    counts.received++;
    routes.route({ topic, payload, retained: packet.retain });
  });

  const close = async () => {
    outgoing.failAll(new Error('the bus connection is closed'));
    await within(wall, engineLimits.busCloseMs, client.endAsync()).catch(() => client.endAsync(true));
  };

  return {
    get connected() {
      return client.connected;
    },
    counts,
    async publish(topic, payload, { retain = false, expirySeconds } = {}) {
      if (closing) throw new Error('the bus connection is closed');
      if (!isTopicName(topic)) throw new TypeError(`${JSON.stringify(topic.slice(0, 80))} is not a topic of this bus`);
      const bytes = Buffer.byteLength(payload);
      if (bytes > engineLimits.busPayloadBytes) {
        throw new RangeError(`a payload of ${bytes} bytes is above the ${engineLimits.busPayloadBytes} of this bus`);
      }
      if (outgoing.size >= engineLimits.busInFlight)
        throw new Error(`${outgoing.size} publishes wait for their answer`);
      await activity.track('bus publish', () => outgoing.send(topic, payload, retain, expirySeconds));
      counts.sent++;
    },
    async subscribe(filter, handler) {
      if (!isTopicFilter(filter)) {
        throw new TypeError(`${JSON.stringify(filter.slice(0, 80))} is not a filter of this bus`);
      }
      routes.add(filter, handler);
      try {
        const grants = await within(wall, engineLimits.busPublishMs, client.subscribeAsync(filter, { qos: 1 }));
        if (grants.some(({ qos }) => qos === 128)) throw new Error('not granted');
      } catch (error) {
        routes.remove(filter, handler);
        throw new Error(`the broker refused ${clientId} the filter ${filter}: ${(error as Error).message}`, {
          cause: error,
        });
      }
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}
