import type { MqttClient } from 'mqtt';
import type { WallClock } from '../../clock.ts';
import { engineLimits } from '../limits.ts';
import type { BusPublishOptions } from './port.ts';

interface Pending {
  readonly topic: string;
  readonly payload: string;
  readonly options: BusPublishOptions;
  /** By the monotonic clock: worth nothing from then on. */
  readonly untilMs: number;
  /** Connections that ended while the broker had it and had not acknowledged it. */
  losses: number;
  /** Set once it is with the library. */
  messageId: number | undefined;
  readonly settle: (error?: Error | null) => void;
}

/** A publish that ends its connection each time is at fault itself; once may be the network. */
const LOSSES = 2;

/**
 * Publishes that end in an acknowledgement or an error, always. The library alone would send a publish again after
 * every reconnect, for ever, and one that the broker refuses would hold up all others. No more are under way than the
 * broker said it takes (MQTT 5's Receive Maximum: it ends the connection of who sends more).
 */
export function publisher(client: MqttClient, wall: WallClock, version: 4 | 5, receiveMaximum: number | undefined) {
  const pending = new Set<Pending>();
  let waiting: Pending[] = [];
  let underWay = 0;
  let window = receiveMaximum ?? engineLimits.busInFlight;
  client.on('connect', (connack) => {
    window = connack.properties?.receiveMaximum ?? engineLimits.busInFlight;
    pump();
  });
  client.on('close', () => {
    for (const publish of [...pending]) {
      if (publish.messageId !== undefined && ++publish.losses >= LOSSES) {
        publish.settle(new Error(`the broker ended the connection ${LOSSES} times during the publish`));
      }
    }
  });

  function pump(): void {
    let next = 0;
    while (next < waiting.length && underWay < window && client.connected) {
      const publish = waiting[next++] as Pending;
      if (!pending.has(publish)) continue;
      underWay++;
      const leftMs = Math.max(0, publish.untilMs - wall.monotonicMs());
      const options = { qos: 1 as const, retain: publish.options.retain ?? false };
      const more = version === 5 ? properties(publish.options, leftMs) : {};
      client.publish(publish.topic, publish.payload, { ...options, ...more }, (error) => publish.settle(error));
      publish.messageId = client.getLastMessageId();
    }
    if (next > 0) waiting = waiting.slice(next);
  }

  function send(topic: string, payload: string, options: BusPublishOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: Error | null) => {
        if (!pending.delete(publish)) return;
        disarm();
        if (publish.messageId !== undefined) {
          underWay--;
          if (error) client.removeOutgoingMessage(publish.messageId);
        }
        if (error) reject(new Error(`publish to ${topic}: ${error.message}`, { cause: error }));
        else resolve();
        if (waiting.length > 0) pump();
      };
      const publish: Pending = {
        topic,
        payload,
        options,
        untilMs: wall.monotonicMs() + (options.expiryMs ?? Number.POSITIVE_INFINITY),
        losses: 0,
        messageId: undefined,
        settle,
      };
      pending.add(publish);
      // What is over is taken from the library too: it would send it again with the next connection.
      const waitMs = Math.min(engineLimits.busPublishMs, options.expiryMs ?? Number.POSITIVE_INFINITY);
      const disarm = wall.after(waitMs, () => settle(new Error(`no acknowledgement within ${waitMs} ms`)));
      waiting.push(publish);
      pump();
    });
  }

  return {
    send,
    get size() {
      return pending.size;
    },
    failAll(error: Error) {
      for (const publish of [...pending]) publish.settle(error);
    },
  };
}

/** What MQTT 5 knows beside a payload; it counts lifetimes in whole seconds, of which the last is begun. */
function properties({ expiryMs, responseTopic, correlation }: BusPublishOptions, leftMs: number) {
  if (expiryMs === undefined && responseTopic === undefined && correlation === undefined) return {};
  return {
    properties: {
      ...(expiryMs === undefined ? {} : { messageExpiryInterval: Math.ceil(leftMs / 1000) }),
      ...(responseTopic === undefined ? {} : { responseTopic }),
      ...(correlation === undefined ? {} : { correlationData: Buffer.from(correlation) }),
    },
  };
}
