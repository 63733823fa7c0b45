import type { IClientPublishOptions, MqttClient } from 'mqtt';
import type { WallClock } from '../../clock.ts';
import { engineLimits } from '../limits.ts';
import type { BusPublishOptions } from './port.ts';

interface Pending {
  readonly topic: string;
  readonly payload: string;
  readonly options: IClientPublishOptions;
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
      client.publish(publish.topic, publish.payload, publish.options, (error) => publish.settle(error));
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
        options: { qos: 1, retain: options.retain ?? false, ...(version === 5 ? properties(options) : {}) },
        losses: 0,
        messageId: undefined,
        settle,
      };
      pending.add(publish);
      const disarm = wall.after(engineLimits.busPublishMs, () =>
        settle(new Error(`no acknowledgement within ${engineLimits.busPublishMs} ms`)),
      );
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

function properties({ expirySeconds, responseTopic, correlation }: BusPublishOptions) {
  if (expirySeconds === undefined && responseTopic === undefined && correlation === undefined) return {};
  return {
    properties: {
      ...(expirySeconds === undefined ? {} : { messageExpiryInterval: expirySeconds }),
      ...(responseTopic === undefined ? {} : { responseTopic }),
      ...(correlation === undefined ? {} : { correlationData: Buffer.from(correlation) }),
    },
  };
}
