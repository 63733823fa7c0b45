/** The signed meter document of an order: fetched once, believed only when it is what the BPP's signed message named. */

import type { SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { parseStrict } from '@flexder/protocol/beckn/json.ts';
import type { MeterDocument, MeterReference } from '@flexder/protocol/flexibility/model.ts';
import { validateRecord } from '@flexder/schemas/validators.ts';
import type { SettlementDeps } from '../deps.ts';
import { sha256 } from '../digest.ts';
import { METER_DOCUMENT_BYTES, METER_DOCUMENT_JSON } from '../limits.ts';

/** Why an order cannot be settled now. The job tries again: the BPP may still serve what it signed. */
export class SettlementError extends Error {
  override name = 'SettlementError';
  readonly code: SettlementErrorCode;
  constructor(code: SettlementErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export type SettlementErrorCode =
  | 'METER_REFERENCE_MISSING'
  | 'METER_PATH'
  | 'METER_DOCUMENT_UNAVAILABLE'
  | 'METER_DOCUMENT_HASH'
  | 'METER_DOCUMENT_INVALID'
  | 'METER_DOCUMENT_ORDER'
  | 'ORDER_UNKNOWN'
  | 'ORDER_STATE'
  | 'RUN_ORDER';

export interface MeteredOrder {
  readonly obpId: string;
  readonly orderId: string;
  readonly eventId: string;
  readonly feederId: string;
  readonly bppId: string;
  readonly reference: MeterReference;
}

/** From our store when these bytes were fetched and verified before, else from the BPP. Throws SettlementError. */
export async function meterDocumentOf(deps: SettlementDeps, order: MeteredOrder): Promise<MeterDocument> {
  const stored = await deps.participant.database
    .selectFrom('meter_document')
    .select('document')
    .where('obp_id', '=', order.obpId)
    .where('sha256', '=', order.reference.sha256)
    .executeTakeFirst();
  if (stored) return stored.document as unknown as MeterDocument;
  const bytes = await fetched(deps, order);
  const document = verifiedDocument(bytes, order);
  await store(deps, order, document);
  return document;
}

async function fetched({ participant }: SettlementDeps, { bppId, reference }: MeteredOrder): Promise<Uint8Array> {
  if (!staysBelow(reference.path)) {
    throw new SettlementError('METER_PATH', `the meter reference of ${bppId} leads out of its registered address`);
  }
  try {
    return await participant.fetchDocument(bppId as SubscriberId, reference.path, METER_DOCUMENT_BYTES);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SettlementError(
      'METER_DOCUMENT_UNAVAILABLE',
      `the meter document of ${bppId} could not be fetched: ${why}`,
    );
  }
}

/** A path that no resolution of dots, slashes, escapes or schemes takes anywhere else. */
export function staysBelow(path: string): boolean {
  const plain = /^(\/[A-Za-z0-9._~-]+)+$/.test(path) && path.length <= 512;
  return plain && !path.split('/').some((part) => part === '.' || part === '..');
}

/** Throws SettlementError unless the bytes are those that were signed, well formed, and of this order. */
export function verifiedDocument(bytes: Uint8Array, order: MeteredOrder): MeterDocument {
  const actual = sha256(bytes);
  if (actual !== order.reference.sha256) {
    const text = `the meter document hashes to ${actual}, ${order.bppId} signed ${order.reference.sha256}`;
    throw new SettlementError('METER_DOCUMENT_HASH', text);
  }
  const parsed = parseStrict(bytes, METER_DOCUMENT_JSON);
  if (!parsed.ok)
    throw new SettlementError('METER_DOCUMENT_INVALID', `the meter document is not JSON: ${parsed.message}`);
  const verdict = validateRecord('meter-document', parsed.value);
  if (!verdict.valid) {
    const [fault] = verdict.errors;
    throw new SettlementError(
      'METER_DOCUMENT_INVALID',
      `the meter document at ${fault?.path || '/'}: ${fault?.message}`,
    );
  }
  const document = parsed.value as MeterDocument;
  if (document.obp_id !== order.obpId || document.order_id !== order.orderId) {
    const text = `the meter document is of order ${document.order_id} (${document.obp_id}), not ${order.orderId} (${order.obpId})`;
    throw new SettlementError('METER_DOCUMENT_ORDER', text);
  }
  if (document.rows.length !== order.reference.rows) {
    const text = `the meter document has ${document.rows.length} rows, its reference says ${order.reference.rows}`;
    throw new SettlementError('METER_DOCUMENT_INVALID', text);
  }
  return document;
}

/** The record names the hash of the bytes: what the rows rest on is in the chain before they are. */
async function store(
  { context, participant }: SettlementDeps,
  order: MeteredOrder,
  document: MeterDocument,
): Promise<void> {
  await participant.transact(async (work) => {
    const inserted = await work.db
      .insertInto('meter_document')
      .values({
        obp_id: order.obpId,
        sha256: order.reference.sha256,
        document: JSON.stringify(document),
        fetched_wall_at: new Date(context.wall.nowMs()),
      })
      .onConflict((conflict) => conflict.columns(['obp_id', 'sha256']).doNothing())
      .returning('obp_id')
      .executeTakeFirst();
    if (!inserted) return;
    await work.audit({
      event_type: METER_RECEIVED,
      obp_id: order.obpId,
      order_id: order.orderId,
      event_id: order.eventId,
      feeder_id: order.feederId,
      counterparty_id: order.bppId,
      payload_sha256: order.reference.sha256,
      decision: `meter document with ${document.rows.length} rows and ${document.history.length} rows of history, as signed`,
    });
  });
}

/** Event type of the record a settlement row rests on. */
export const METER_RECEIVED = 'meter.received';
