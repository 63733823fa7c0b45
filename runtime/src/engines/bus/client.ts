import { createHmac } from 'node:crypto';
import type { IConnackPacket, IPublishPacket, MqttClient } from 'mqtt';
import type { Activity } from '../../activity.ts';
import type { WallClock } from '../../clock.ts';
import type { Logger } from '../../logging.ts';
import { within } from '../../service.ts';
import { engineLimits } from '../limits.ts';
import { isTopicFilter, isTopicName } from './filters.ts';
import type { BusClient, BusMessage } from './port.ts';
import { publisher } from './publisher.ts';
import { busRouter } from './router.ts';

interface Connection {
  readonly client: MqttClient;
  readonly connack: IConnackPacket;
  readonly version: 4 | 5;
  readonly clientId: string;
  /** What only the account's own processes know. */
  readonly secret: string;
}

interface ClientDeps {
  readonly wall: WallClock;
  readonly log: Logger;
  readonly activity: Activity;
}

/** The port over a connected client. */
export function clientOver({ client, connack, version, clientId, secret }: Connection, deps: ClientDeps): BusClient {
  const { wall, log, activity } = deps;
  const routes = busRouter(log);
  const outgoing = publisher(client, wall, version, connack.properties?.receiveMaximum);
  const counts = { sent: 0, received: 0 };
  const shares = version === 5 && connack.properties?.sharedSubscriptionAvailable !== false;
  let closing: Promise<void> | undefined;
  client.on('message', (topic, payload, packet) => {
    counts.received++;
    routes.route(messageOf(topic, payload, packet));
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
    protocolVersion: version,
    shares,
    async publish(topic, payload, options = {}) {
      if (closing) throw new Error('the bus connection is closed');
      if (!isTopicName(topic)) throw new TypeError(`${JSON.stringify(topic.slice(0, 80))} is not a topic of this bus`);
      const bytes = Buffer.byteLength(payload);
      if (bytes > engineLimits.busPayloadBytes) {
        throw new RangeError(`a payload of ${bytes} bytes is above the ${engineLimits.busPayloadBytes} of this bus`);
      }
      checkAnswer(options);
      if (outgoing.size >= engineLimits.busInFlight)
        throw new Error(`${outgoing.size} publishes wait for their answer`);
      await activity.track('bus publish', () => outgoing.send(topic, payload, options));
      counts.sent++;
    },
    async subscribe(filter, handler, { shared } = {}) {
      if (!isTopicFilter(filter)) {
        throw new TypeError(`${JSON.stringify(filter.slice(0, 80))} is not a filter of this bus`);
      }
      if (shared !== undefined && !/^[\w.-]{1,64}$/.test(shared)) {
        throw new TypeError(`${JSON.stringify(shared.slice(0, 80))} is not the name of a group`);
      }
      const asked = shared !== undefined && shares ? `$share/${groupOf(shared, secret)}/${filter}` : filter;
      routes.add(filter, handler);
      try {
        const grants = await within(wall, engineLimits.busPublishMs, client.subscribeAsync(asked, { qos: 1 }));
        if (grants.some(({ qos }) => qos >= 128)) throw new Error('not granted');
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

/**
 * The group as the broker sees it, the same in every process of one account and guessed by no other: Mosquitto takes
 * anybody into a group, gives a stranger its share and drops it there, so that a device could make messages vanish.
 */
function groupOf(name: string, secret: string): string {
  return `${name}-${createHmac('sha256', secret).update(`$share/${name}`).digest('hex').slice(0, 32)}`;
}

function checkAnswer({ responseTopic, correlation }: { responseTopic?: string; correlation?: string }): void {
  if (responseTopic !== undefined && !isTopicName(responseTopic))
    throw new TypeError(`${JSON.stringify(responseTopic.slice(0, 80))} is not a topic of this bus`);
  if (correlation !== undefined && Buffer.byteLength(correlation) > engineLimits.busCorrelationBytes)
    throw new RangeError(`correlation data has at most ${engineLimits.busCorrelationBytes} bytes`);
}

function messageOf(topic: string, payload: Uint8Array, { retain, properties }: IPublishPacket): BusMessage {
  const { responseTopic, correlationData } = properties ?? {};
  return {
    topic,
    payload,
    retained: retain,
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlation: correlationData.toString() }),
  };
}
