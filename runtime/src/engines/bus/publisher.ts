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
  /** By the same clock: given up then. */
  readonly giveUpMs: number;
  readonly waitMs: number;
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
  let freed = false;
  let watching = false;
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
      const leftMs = publish.untilMs - wall.monotonicMs();
      if (leftMs <= 0) {
        publish.settle(new Error('it waited for longer than it is of use'));
        continue;
      }
      underWay++;
      const options = { qos: 1 as const, retain: publish.options.retain ?? false };
      const more = version === 5 ? properties(publish.options, leftMs) : {};
      client.publish(publish.topic, publish.payload, { ...options, ...more }, (error) => publish.settle(error));
      publish.messageId = client.getLastMessageId();
    }
    if (next > 0) waiting = waiting.slice(next);
  }

  /** Once for all acknowledgements that came together, so that what follows them leaves together. */
  function pumpSoon(): void {
    if (freed || waiting.length === 0) return;
    freed = true;
    setImmediate(() => {
      freed = false;
      pump();
    });
  }

  /** One timer for all: thousands are under way at once, and hardly any is ever given up. */
  function watch(): void {
    if (watching || pending.size === 0) return;
    watching = true;
    wall.after(engineLimits.busWatchMs, () => {
      watching = false;
      const nowMs = wall.monotonicMs();
      for (const publish of [...pending]) {
        if (nowMs < publish.giveUpMs) continue;
        // What is over is taken from the library too: it would send it again with the next connection.
        publish.settle(new Error(`no acknowledgement within ${publish.waitMs} ms`));
      }
      watch();
    });
  }

  function send(topic: string, payload: string, options: BusPublishOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: Error | null) => {
        if (!pending.delete(publish)) return;
        if (publish.messageId !== undefined) {
          underWay--;
          if (error) client.removeOutgoingMessage(publish.messageId);
        }
        if (error) reject(new Error(`publish to ${topic}: ${error.message}`, { cause: error }));
        else resolve();
        pumpSoon();
      };
      const nowMs = wall.monotonicMs();
      const lifeMs = options.expiryMs ?? Number.POSITIVE_INFINITY;
      const waitMs = Math.min(engineLimits.busPublishMs, lifeMs);
      const publish: Pending = {
        topic,
        payload,
        options,
        untilMs: nowMs + lifeMs,
        giveUpMs: nowMs + waitMs,
        waitMs,
        losses: 0,
        messageId: undefined,
        settle,
      };
      pending.add(publish);
      watch();
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
