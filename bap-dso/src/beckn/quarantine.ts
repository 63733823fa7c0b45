/** Callbacks that belong to nothing we asked: kept in the record and counted, and nothing else happens. */
import type { InboundMessage } from '@flexder/runtime/participant/types.ts';
import type { Desk, Work } from '../flex-orchestration/desk.ts';

export type QuarantineReason = 'unknown-transaction' | 'other-order' | 'other-references' | 'unknown-change';

/** The raw message stays in the inbox under its id, where an inspector finds it. */
export async function quarantine(
  desk: Desk,
  work: Work,
  message: InboundMessage,
  reason: QuarantineReason,
): Promise<void> {
  desk.context.metrics.count('bap_quarantined_total', { action: message.action, reason });
  await work.audit({ event_type: 'beckn.quarantined', code: 'ORD_UNKNOWN', decision: reason, ...factsOf(message) });
}

/** It can not apply in the state its order is in; the order stays as it was. */
export async function refuse(
  desk: Desk,
  work: Work,
  message: InboundMessage,
  why: string,
  eventId: string,
): Promise<void> {
  desk.context.metrics.count('bap_callbacks_refused_total', { action: message.action });
  await work.audit({
    event_type: 'beckn.refused',
    code: 'ORD_STATE',
    decision: why,
    event_id: eventId,
    ...factsOf(message),
  });
}

function factsOf(message: InboundMessage) {
  return {
    beckn_action: message.action,
    counterparty_id: message.signerId,
    transaction_id: message.body.context.transaction_id,
    message_id: message.body.context.message_id,
    payload_sha256: message.sha256,
  };
}
