import { formatDuration, parseDuration } from '@flexder/protocol/beckn/envelope.ts';
import type { Context } from '@flexder/runtime/context.ts';
import type { OpenParticipant } from '@flexder/runtime/participant/open.ts';
import type {
  ActionHandlers,
  InboundMessage,
  ParticipantHooks,
  SubscriberRecord,
} from '@flexder/runtime/participant/types.ts';

/**
 * A search goes on untouched to every BPP of its domain and city, under the BAP's signature and the gateway's. Each
 * delivery is an effect of its own: a BPP that hangs delays nobody. The answers go to the BAP directly.
 */
export function gatewayHandlers<T>(
  participant: OpenParticipant<T>,
  context: Context,
): { handlers: ActionHandlers<T>; hooks: ParticipantHooks<T> } {
  return {
    handlers: {
      async search(work, message, prepared) {
        const receivers = prepared as readonly SubscriberRecord[];
        const ttlMs = remainingMs(message, context.wall.nowMs());
        for (const receiver of receivers) await work.forward(message, receiver.subscriberId, ttlMs);
        await work.audit({
          event_type: 'gateway.multicast',
          beckn_action: 'search',
          transaction_id: message.body.context.transaction_id,
          message_id: message.body.context.message_id,
          counterparty_id: message.signerId,
          decision: `sent on to ${receivers.length} BPPs of ${message.body.context.domain}, ${message.body.context.location.city.code}, for ${formatDuration(ttlMs)}`,
        });
        context.metrics.count('gateway_multicasts', {}, receivers.length);
      },
    },
    hooks: {
      prepare: ({ body }) =>
        participant.registry.list({ type: 'BPP', domain: body.context.domain, city: body.context.location.city.code }),
      async onUndelivered(_work, { reason }) {
        context.metrics.count('gateway_undelivered', { reason });
      },
    },
  };
}

function remainingMs({ body }: InboundMessage, nowMs: number): number {
  const { timestamp, ttl } = body.context;
  return Math.max(0, Date.parse(timestamp) + (parseDuration(ttl) ?? 0) - nowMs);
}
