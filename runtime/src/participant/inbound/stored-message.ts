/** A message as it stands in the database, and what is said of it. */
import { callbackOf, type RequestAction } from '@flexder/protocol/beckn/actions.ts';
import type { KeyId, SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { parseSignatureHeader } from '@flexder/protocol/beckn/signature-header.ts';
import { factsOf, recordable } from '../facts.ts';
import type { InboundMessageTable, ParticipantTables } from '../tables.ts';
import type { BecknBody, InboundMessage, UnitOfWork } from '../types.ts';

/** Locks a message that waits to be handled; false when it is handled, or another process is at it. */
export async function claim(work: UnitOfWork<unknown>, { signerId, action, body }: InboundMessage): Promise<boolean> {
  const row = await (work as unknown as UnitOfWork<ParticipantTables>).db
    .selectFrom('inbound_message')
    .select('state')
    .where('signer', '=', signerId)
    .where('action', '=', action)
    .where('message_id', '=', body.context.message_id)
    .where('state', '=', 'stored')
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
  return row !== undefined;
}

export function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

export function receivedFacts(message: InboundMessage) {
  const { context, message: content, error } = message.body;
  return {
    beckn_action: message.action,
    transaction_id: context.transaction_id,
    message_id: context.message_id,
    counterparty_id: message.signerId,
    payload_sha256: message.sha256,
    signature: { key_id: message.signature.keyId, alg: 'ed25519' as const, value: message.signature.value },
    ...factsOf(content),
    ...(error ? { code: recordable(error.code, 64) } : {}),
  };
}

/** The asker should not have to wait for its deadline. */
export async function sayInternalError(
  work: UnitOfWork<unknown>,
  { action, body, signerId }: InboundMessage,
): Promise<void> {
  await work.send({
    action: callbackOf(action as RequestAction),
    to: signerId,
    toType: 'BAP',
    transactionId: body.context.transaction_id,
    messageId: body.context.message_id,
    ttlMs: 30_000,
    error: {
      code: 'INTERNAL',
      message: 'the message was stored but could not be handled; ask for the status or try again',
    },
  });
}

export function fromRow(row: { [K in keyof InboundMessageTable]: unknown }): InboundMessage {
  const header = parseSignatureHeader(String(row.signature));
  const text = String(row.body);
  return {
    action: row.action as InboundMessage['action'],
    signerId: row.signer as SubscriberId,
    body: JSON.parse(text) as BecknBody,
    sha256: String(row.sha256),
    signature: header.ok
      ? { keyId: header.parsed.keyId, value: header.parsed.signature }
      : { keyId: '' as KeyId, value: '' },
    receivedAtMs: (row.received_at as Date).getTime(),
    raw: { text, authorization: String(row.signature) },
  };
}
