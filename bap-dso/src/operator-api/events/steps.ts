/** What happened in an event, record by record: each on the lane of the axis that it belongs to. */
import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import { parseSignatureHeader } from '@flexder/protocol/beckn/signature-header.ts';
import type { DispatchReport } from '@flexder/protocol/flexibility/model.ts';
import {
  type Direction,
  directionOf,
  type OnTheWire,
  onTheWire,
  wireKey,
} from '@flexder/runtime/participant/kept/find.ts';
import type { ParticipantTables } from '@flexder/runtime/participant/tables.ts';
import { type Kysely, type SqlBool, sql } from 'kysely';
import { answersOfRecord } from '../../dispatch/report.ts';
import type { BapTables } from '../../tables.ts';
import { ofEvent } from './of-event.ts';

/** A Beckn message as the record tells of it. */
export interface MessageView {
  readonly seq: number;
  /** When it was on the wire, or recorded where that is not kept; wall time. */
  readonly atMs: number;
  readonly direction: Direction;
  /** What is told of it: `beckn.sent`, `beckn.received`, or why it was of no effect. */
  readonly eventType: string;
  readonly action: string | null;
  /** Null of one that was refused: nobody knows who it was. */
  readonly counterpartyId: string | null;
  readonly transactionId: string | null;
  readonly messageId: string | null;
  readonly signature: SignatureView;
  /** Lower-case hex, of the bytes; null where a URL was filled in after the record. */
  readonly sha256: string | null;
}

/** What the pipeline found when the message passed it. */
export interface SignatureView {
  /** `own`: signed here, when it is sent. */
  readonly state: 'verified' | 'own' | 'refused';
  /** As the registry has it; null where the record does not name one. */
  readonly keyId: string | null;
  readonly algorithm: 'ed25519' | null;
  /** Why it was refused, or of no effect. */
  readonly why: string | null;
}

export interface Step {
  readonly kind: 'message' | 'devices' | 'decision';
  /** Present of a message. */
  readonly message: MessageView | null;
  /** Present of a report of devices: all answers that were counted by then. */
  readonly answers: DispatchReport | null;
  readonly record: AuditRecord;
}

function stepOf(record: AuditRecord, wire: ReadonlyMap<string, OnTheWire>): Step {
  const message = messageOf(record, wire.get(wireKey(record)));
  const answers = message ? undefined : answersOfRecord(record);
  const kind = message ? 'message' : answers ? 'devices' : 'decision';
  return { kind, message: message ?? null, answers: answers ?? null, record };
}

/** `wire`: as long as it is kept. */
export function messageOf(record: AuditRecord, wire?: OnTheWire): MessageView | undefined {
  const direction = directionOf(record);
  if (direction === undefined) return undefined;
  const recordedMs = Date.parse(record.ts_utc);
  return {
    seq: record.seq,
    atMs: PASSED.has(record.event_type) ? (wire?.atMs ?? recordedMs) : recordedMs,
    direction,
    eventType: record.event_type,
    action: record.beckn_action ?? null,
    counterpartyId: record.counterparty_id ?? null,
    transactionId: record.transaction_id ?? null,
    messageId: record.message_id ?? null,
    signature: signatureOf(record, direction, wire?.authorization),
    sha256: record.payload_sha256 ?? null,
  };
}

/** Records of the message itself; others tell what became of it. */
const PASSED: ReadonlySet<string> = new Set(['beckn.sent', 'beckn.received']);

function signatureOf(record: AuditRecord, direction: Direction, authorization = ''): SignatureView {
  const { event_type, decision = null, signature } = record;
  const why = PASSED.has(event_type) ? null : decision;
  // What passed the pipeline was verified, whatever became of it.
  const state = direction === 'out' ? 'own' : event_type === 'beckn.rejected' ? 'refused' : 'verified';
  const header = parseSignatureHeader(authorization);
  const keyId = signature?.key_id ?? (header.ok && state !== 'refused' ? header.parsed.keyId : null);
  return { state, keyId, algorithm: keyId === null ? null : 'ed25519', why };
}

export interface StepFilter {
  readonly after: number;
  readonly limit: number;
  readonly messagesOnly: boolean;
}

export interface StepPage {
  /** When the sample that showed the need was received, wall time: where the axis begins. Null when there is no such event. */
  readonly detectedMs: number | null;
  readonly steps: readonly Step[];
  /** For the page that follows; null at the end. */
  readonly nextAfter: number | null;
}

/** Sealed records, oldest first. */
export async function stepsOf(
  db: Kysely<BapTables & ParticipantTables>,
  eventId: string,
  { after, limit, messagesOnly }: StepFilter,
): Promise<StepPage> {
  const [own, chain] = [db as unknown as Kysely<BapTables>, db as unknown as Kysely<ParticipantTables>];
  const rows = await chain
    .selectFrom('audit_record')
    .select('record')
    .where('seq', '>', String(after))
    .where(await ofEvent(own, eventId))
    .$if(messagesOnly, (query) => query.where(sql<SqlBool>`record->>'event_type' like 'beckn.%'`))
    .orderBy('seq')
    .limit(limit)
    .execute();
  const records = rows.map(({ record }) => record as AuditRecord);
  const wire = await onTheWire(chain, transactionsOf(records));
  const steps = records.map((record) => stepOf(record, wire));
  return {
    detectedMs: await detectedMsOf(own, eventId),
    steps,
    nextAfter: steps.length === limit ? (steps.at(-1)?.record.seq ?? null) : null,
  };
}

function transactionsOf(records: readonly AuditRecord[]): string[] {
  const named = records.filter(directionOf).flatMap(({ transaction_id }) => transaction_id ?? []);
  return [...new Set(named)];
}

async function detectedMsOf(db: Kysely<BapTables>, eventId: string): Promise<number | null> {
  const event = db.selectFrom('overload').select('detected_wall_at').where('event_id', '=', eventId);
  return (await event.executeTakeFirst())?.detected_wall_at.getTime() ?? null;
}
