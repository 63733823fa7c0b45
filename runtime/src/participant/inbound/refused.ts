/** Records of refused messages; of those that name a transaction of this participant, also what came. */
import { createHash } from 'node:crypto';
import type { AuditEntry } from '@flexder/protocol/audit/record.ts';
import { isIdentifier } from '@flexder/protocol/beckn/identifiers.ts';
import { parseStrict } from '@flexder/protocol/beckn/json.ts';
import { JSON_LIMITS } from '@flexder/protocol/beckn/limits.ts';
import { type Kysely, sql } from 'kysely';
import { REFUSED_BODY_BYTES, REFUSED_KEPT, REFUSED_KEPT_OF_TRANSACTION } from '../limits.ts';
import type { ParticipantTables } from '../tables.ts';
import type { Exchange, RejectionTables } from './rejections.ts';

export interface Names {
  readonly transactionId: string;
  readonly messageId: string | undefined;
}

/** What a body that was refused says it belongs to: a claim, of whoever sent it. */
export function namesOf(body: Buffer): Names | undefined {
  if (body.length > REFUSED_BODY_BYTES) return undefined;
  const parsed = parseStrict(body, JSON_LIMITS);
  const { transaction_id: transactionId, message_id: messageId } =
    (parsed.ok && (parsed.value as { context?: Record<string, unknown> } | null)?.context) || {};
  if (!isIdentifier(transactionId)) return undefined;
  return { transactionId, messageId: isIdentifier(messageId) ? messageId : undefined };
}

export async function insertRecord(db: RejectionTables, record: AuditEntry): Promise<void> {
  await db
    .insertInto('audit_record')
    .values({ record: JSON.stringify(record), seq: null, prev_hash: null, hash: null })
    .execute();
}

/**
 * One statement. The record names the transaction only if it is one of this participant, so that nobody adds records to
 * what they merely made up, and then the message is kept as it came while there is room.
 */
export async function insertNamed(
  recordTables: RejectionTables,
  record: AuditEntry,
  { body, headers }: Exchange,
  { transactionId, messageId }: Names,
): Promise<void> {
  const sha256 = createHash('sha256').update(body).digest('hex');
  const named: AuditEntry = {
    ...record,
    transaction_id: transactionId,
    ...(messageId === undefined ? {} : { message_id: messageId }),
    payload_sha256: sha256,
  };
  const db = recordTables as unknown as Kysely<ParticipantTables>;
  await sql`
    with known as (
      select exists (select from outbox where kind = 'message' and payload->>'transactionId' = ${transactionId}::text)
        or exists (select from inbound_message where transaction_id = ${transactionId}::text) as ours
    ), kept as (
      insert into refused_message (sha256, received_at, transaction_id, body, headers)
      select ${sha256}::text, ${record.ts_utc}::timestamptz, ${transactionId}::text, ${body}::bytea, ${JSON.stringify(headers)}::jsonb
      from known where ours
        and (select count(*) from refused_message where transaction_id = ${transactionId}::text) < ${sql.lit(REFUSED_KEPT_OF_TRANSACTION)}
        and (select count(*) from refused_message) < ${sql.lit(REFUSED_KEPT)}
      on conflict do nothing
    )
    insert into audit_record (record)
    select case when ours then ${JSON.stringify(named)}::jsonb else ${JSON.stringify(record)}::jsonb end from known`.execute(
    db,
  );
}
