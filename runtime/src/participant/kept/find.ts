/** A message as it was on the wire, for as long as inbox and outbox keep it, found by its audit record. */
import type { AuditEntry } from '@flexder/protocol/audit/record.ts';
import { type Kysely, sql } from 'kysely';
import type { ParticipantTables, WireHeaders } from '../tables.ts';

export interface KeptMessage {
  /** The bytes that were signed. */
  readonly body: Buffer;
  readonly headers: WireHeaders;
  /** When it came, or when its last attempt began; wall time. Null: not sent yet. */
  readonly atMs: number | null;
  /** What its signature was verified with on arrival, base64; absent of those sent, refused, or stored by an earlier version. */
  readonly publicKey?: string;
}

const SENT: ReadonlySet<string> = new Set(['beckn.sent', 'beckn.forwarded', 'beckn.undelivered']);

export type Direction = 'in' | 'out';

/** Undefined for a record of something else than a message. */
export function directionOf({ event_type }: Pick<AuditEntry, 'event_type'>): Direction | undefined {
  if (!event_type.startsWith('beckn.')) return undefined;
  return SENT.has(event_type) ? 'out' : 'in';
}

/** Undefined when it is not kept any more, or never was. */
export async function findKept(db: Kysely<ParticipantTables>, record: AuditEntry): Promise<KeptMessage | undefined> {
  if (directionOf(record) === 'out') return sent(db, record);
  return record.event_type === 'beckn.rejected' ? refused(db, record) : received(db, record);
}

async function received(db: Kysely<ParticipantTables>, record: AuditEntry): Promise<KeptMessage | undefined> {
  const { counterparty_id: signer = '', beckn_action: action = '', message_id: id = '' } = record;
  const row = await db
    .selectFrom('inbound_message')
    .select(['body', 'signature', 'headers', 'public_key', 'received_at'])
    .where('signer', '=', signer)
    .where('action', '=', action as ParticipantTables['inbound_message']['action'])
    .where('message_id', '=', id)
    .executeTakeFirst();
  if (!row) return undefined;
  return {
    body: Buffer.from(row.body),
    headers: { authorization: row.signature, ...row.headers },
    atMs: row.received_at.getTime(),
    ...(row.public_key === null ? {} : { publicKey: row.public_key }),
  };
}

/** Message ids are in the text alone; a transaction has some dozens of messages. */
async function sent(db: Kysely<ParticipantTables>, record: AuditEntry): Promise<KeptMessage | undefined> {
  const { counterparty_id: to = '', beckn_action: action = '', message_id: id = '', transaction_id = '' } = record;
  const { rows } = await sql<{ text: string; headers: WireHeaders | null; sent_at: Date | null }>`
    select payload->>'text' as text, headers, sent_at from outbox
    where kind = 'message' and payload->>'transactionId' = ${transaction_id}::text
      and payload->>'to' = ${to}::text and payload->>'action' = ${action}::text
      and (payload->>'text')::jsonb->'context'->>'message_id' = ${id}::text
    order by seq desc limit 1`.execute(db);
  const [row] = rows;
  if (!row) return undefined;
  return { body: Buffer.from(row.text), headers: row.headers ?? {}, atMs: row.sent_at?.getTime() ?? null };
}

async function refused(db: Kysely<ParticipantTables>, record: AuditEntry): Promise<KeptMessage | undefined> {
  const row = await db
    .selectFrom('refused_message')
    .select(['body', 'headers', 'received_at'])
    .where('sha256', '=', record.payload_sha256 ?? '')
    .where('received_at', '=', new Date(record.ts_utc))
    .executeTakeFirst();
  return row && { body: Buffer.from(row.body), headers: row.headers, atMs: row.received_at.getTime() };
}

/** When a message was on the wire, and the Authorization that it had there. */
export interface OnTheWire {
  readonly atMs: number;
  readonly authorization: string;
}

/** Most messages of one answer: far more than the transactions of an event have. */
const MESSAGES = 5_000;

/** Of the messages of these transactions that are kept and were on the wire, by `wireKey`. */
export async function onTheWire(
  db: Kysely<ParticipantTables>,
  transactionIds: readonly string[],
): Promise<Map<string, OnTheWire>> {
  if (transactionIds.length === 0) return new Map();
  const { rows } = await sql<{ key: string; at: Date; authorization: string }>`
    select 'in ' || signer || ' ' || action || ' ' || message_id as key, received_at as at, signature as authorization
    from inbound_message where transaction_id = any(${transactionIds}::text[])
    union all
    select 'out ' || (payload->>'to') || ' ' || (payload->>'action') || ' ' || ((payload->>'text')::jsonb->'context'->>'message_id'),
      sent_at, coalesce(headers->>'authorization', '')
    from outbox where kind = 'message' and payload->>'transactionId' = any(${transactionIds}::text[]) and sent_at is not null
    limit ${sql.lit(MESSAGES)}`.execute(db);
  return new Map(rows.map(({ key, at, authorization }) => [key, { atMs: at.getTime(), authorization }]));
}

export function wireKey(record: AuditEntry): string {
  return [directionOf(record), record.counterparty_id, record.beckn_action, record.message_id].join(' ');
}
