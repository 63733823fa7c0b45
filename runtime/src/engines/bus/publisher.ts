import type { MqttClient } from 'mqtt';
import type { WallClock } from '../../clock.ts';
import { engineLimits } from '../limits.ts';

interface Pending {
  /** Connections that ended while the broker had it and had not acknowledged it. */
  losses: number;
  sent: boolean;
  readonly fail: (error: Error) => void;
}

/** A publish that ends its connection each time is at fault itself; once may be the network. */
const LOSSES = 2;

/**
 * Publishes that end in an acknowledgement or an error, always. The library alone would send a publish again after
 * every reconnect, for ever, and one that the broker refuses would hold up all others.
 */
export function publisher(client: MqttClient, wall: WallClock) {
  const pending = new Set<Pending>();
  client.on('close', () => {
    for (const publish of [...pending]) {
      if (publish.sent && ++publish.losses >= LOSSES) {
        publish.fail(new Error(`the broker ended the connection ${LOSSES} times during the publish`));
      }
    }
  });

  function send(topic: string, payload: string, retain: boolean, expirySeconds: number | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      let messageId: number | undefined;
      const settle = (error?: Error | null) => {
        if (!pending.delete(publish)) return;
        disarm();
        client.off('connect', go);
        if (error && messageId !== undefined) client.removeOutgoingMessage(messageId);
        if (error) reject(new Error(`publish to ${topic}: ${error.message}`, { cause: error }));
        else resolve();
      };
      const go = () => {
        publish.sent = true;
        const expiry = client.options.protocolVersion === 5 && expirySeconds !== undefined;
        const properties = expiry ? { properties: { messageExpiryInterval: expirySeconds } } : {};
        client.publish(topic, payload, { qos: 1, retain, ...properties }, (error) => settle(error));
        messageId = client.getLastMessageId();
      };
      const publish: Pending = { losses: 0, sent: false, fail: settle };
      pending.add(publish);
      const disarm = wall.after(engineLimits.busPublishMs, () =>
        settle(new Error(`no acknowledgement within ${engineLimits.busPublishMs} ms`)),
      );
      if (client.connected) go();
      else client.once('connect', go);
    });
  }

  return {
    send,
    get size() {
      return pending.size;
    },
    failAll(error: Error) {
      for (const publish of [...pending]) publish.fail(error);
    },
  };
}
