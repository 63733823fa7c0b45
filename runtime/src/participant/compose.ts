import type { Action } from '@flexder/protocol/beckn/actions.ts';
import { isCallback } from '@flexder/protocol/beckn/actions.ts';
import { type BecknBody, formatDuration } from '@flexder/protocol/beckn/envelope.ts';
import { type MessageId, messageId } from '@flexder/protocol/beckn/identifiers.ts';
import type { Ids } from '../context.ts';
import type { OutboxMessage } from './tables.ts';
import type { OutgoingMessage, ParticipantConfig, SubscriberRecord } from './types.ts';

export interface Composed {
  readonly messageId: MessageId;
  readonly payload: OutboxMessage;
  readonly deliverBeforeMs: number;
}

/** The other side's URL is the registry's; when that is not at hand it is filled in before the first attempt. */
export function composeMessage(
  outgoing: OutgoingMessage,
  config: ParticipantConfig,
  ids: Ids,
  nowMs: number,
  counterparty: SubscriberRecord | undefined,
): Composed {
  const id = outgoing.messageId ?? messageId(ids.uuid());
  const other = counterpartyMembers(outgoing, counterparty);
  const own =
    config.type === 'BAP'
      ? { bap_id: config.subscriberId, bap_uri: config.url }
      : { bpp_id: config.subscriberId, bpp_uri: config.url };
  const body = {
    context: {
      domain: config.domain,
      location: { country: { code: config.country }, city: { code: config.city } },
      action: outgoing.action,
      version: '1.1.0',
      ...own,
      ...other.members,
      transaction_id: outgoing.transactionId,
      message_id: id,
      timestamp: new Date(nowMs).toISOString(),
      ttl: formatDuration(outgoing.ttlMs),
    },
    ...(outgoing.message === undefined ? {} : { message: outgoing.message }),
    ...(outgoing.error === undefined ? {} : { error: outgoing.error }),
  };
  return {
    messageId: id,
    deliverBeforeMs: nowMs + outgoing.ttlMs,
    payload: {
      to: outgoing.to,
      action: outgoing.action,
      transactionId: outgoing.transactionId,
      text: JSON.stringify(body),
      ...(other.missingUri ? { missingUri: other.missingUri } : {}),
    },
  };
}

function counterpartyMembers(outgoing: OutgoingMessage, counterparty: SubscriberRecord | undefined) {
  if (outgoing.toType === 'BG' || outgoing.action === 'search') return { members: {} };
  const side = isCallback(outgoing.action) ? 'bap' : 'bpp';
  if (counterparty) return { members: { [`${side}_id`]: outgoing.to, [`${side}_uri`]: counterparty.url } };
  return { members: { [`${side}_id`]: outgoing.to }, missingUri: `${side}_uri` as const };
}

/** The payload with its missing URL filled in: from then on its bytes do not change any more. */
export function completeMessage(payload: OutboxMessage, counterparty: SubscriberRecord): OutboxMessage {
  if (!payload.missingUri) return payload;
  const body = JSON.parse(payload.text) as { context: Record<string, unknown> };
  body.context[payload.missingUri] = counterparty.url;
  const { missingUri: _, ...rest } = payload;
  return { ...rest, text: JSON.stringify(body) };
}

export function bodyOf(payload: OutboxMessage): BecknBody {
  return JSON.parse(payload.text) as BecknBody;
}

export function isRequest(action: Action): boolean {
  return !isCallback(action);
}
