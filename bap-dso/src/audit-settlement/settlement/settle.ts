/** Settles one completed order from its signed meter document; safe to run again at any time. */

import { baselineFrom } from '@flexder/protocol/settlement/baseline.ts';
import { SettlementDataError } from '@flexder/protocol/settlement/payable.ts';
import { coveredPeriods } from '@flexder/protocol/settlement/periods.ts';
import { archiveSettlement } from '../archive.ts';
import { bapTables, type SettlementDeps } from '../deps.ts';
import { isEarlierRun, type RunType } from './config.ts';
import { METER_RECEIVED, type MeteredOrder, meterDocumentOf, SettlementError } from './meter-document.ts';
import { eventDaysBefore, type OrderRow, settledOrder } from './order-facts.ts';
import { figuresOf, insertRows, newestRevision, recordRows } from './row-store.ts';
import { settlementRows } from './rows.ts';

export interface Settled {
  /** `unchanged` when the newest revision says the same already. */
  readonly outcome: 'computed' | 'unchanged';
  readonly revision: number;
  readonly runType: RunType;
  readonly rows: number;
}

/**
 * Fetches and verifies the meter document, computes the rows and writes them with their audit records in one
 * transaction, and the files of the revision for the archive with them. Figures that differ from the newest revision
 * become the next one; nothing is overwritten.
 *
 * A later run (`runType`) is a revision of its own, also with the same figures. Without one the order stays in the run
 * that it is in, at least the configured one; no run goes back to an earlier one.
 *
 * Throws after an alarm when the order cannot be settled now, so that the job is tried again.
 */
export async function settleOrder(deps: SettlementDeps, obpId: string, runType?: RunType): Promise<Settled> {
  return deps.context.activity.track('settlement', async () => {
    try {
      const settled = await settle(deps, obpId, runType);
      // What was settled does not wait for the next checkpoint in time; one that fails is tried again by itself.
      await deps.participant.audit.checkpointNow().catch(() => {});
      return settled;
    } catch (error) {
      await alarm(deps, obpId, error);
      throw error;
    }
  });
}

async function settle(deps: SettlementDeps, obpId: string, asked: RunType | undefined): Promise<Settled> {
  const { participant, config } = deps;
  const row = await bapTables(deps).selectFrom('flex_order').selectAll().where('obp_id', '=', obpId).executeTakeFirst();
  if (!row) throw new SettlementError('ORDER_UNKNOWN', `there is no order ${obpId}`);
  const metered = meteredOrder(row);
  const document = await meterDocumentOf(deps, metered);
  // The record of the document has its place in the chain before a row refers to it.
  await participant.audit.sealNow();
  const restsOn = await receiptOf(deps, metered);
  const order = await settledOrder(deps, row, metered.orderId);
  const { baseline, curve } = config.settlement;
  const eventDays = await eventDaysBefore(deps, order, document);
  const none: ReadonlySet<string> = new Set();
  const event = coveredPeriods(order.window);
  const baselineOf = baselineFrom(
    [...document.history, ...document.rows],
    event,
    (msid) => eventDays.get(msid) ?? none,
    baseline,
  );
  return participant.transact(async (work) => {
    // A job may be repeated while it runs, here or in another process: one revision follows the other.
    await work.db.selectFrom('flex_order').select('obp_id').where('obp_id', '=', obpId).forUpdate().execute();
    const latest = await newestRevision(work, obpId);
    const next = latest.revision + 1;
    const runType = runOf(obpId, latest.rows[0]?.run_type as RunType | undefined, asked, config.settlement.runType);
    const settings = { ...config.settlement, runType };
    const input = { config: settings, order, document, baselineOf, baselineMethod: baseline.method, restsOn };
    const rows = settlementRows({ ...input, revision: next });
    if (latest.revision > 0 && figuresOf(rows) === figuresOf(latest.rows)) {
      return { outcome: 'unchanged', revision: latest.revision, runType, rows: rows.length };
    }
    await insertRows(work, rows, next);
    await recordRows(work, row, rows, { revision: next, runType, curve: curve.id, baseline: baseline.method });
    await archiveSettlement(work, obpId, next);
    return { outcome: 'computed', revision: next, runType, rows: rows.length };
  });
}

function runOf(obpId: string, newest: RunType | undefined, asked: RunType | undefined, configured: RunType): RunType {
  const runType = asked ?? (newest && isEarlierRun(configured, newest) ? newest : configured);
  if (newest && isEarlierRun(runType, newest))
    throw new SettlementError('RUN_ORDER', `order ${obpId} is in run ${newest}: ${runType} comes before it`);
  return runType;
}

function meteredOrder(row: OrderRow): MeteredOrder {
  const { obp_id: obpId, order_id: orderId, meter_reference: reference } = row;
  if (row.state !== 'COMPLETED' || orderId === null) {
    throw new SettlementError('ORDER_STATE', `order ${obpId} is ${row.state}; only a completed order is settled`);
  }
  if (!reference)
    throw new SettlementError('METER_REFERENCE_MISSING', `${row.bpp_id} named no meter document for ${obpId}`);
  return { obpId, orderId, eventId: row.event_id, feederId: row.feeder_id, bppId: row.bpp_id, reference };
}

/** The chain's record of these very bytes. */
async function receiptOf(deps: SettlementDeps, order: MeteredOrder): Promise<{ seq: number; hash: string }> {
  const record = (await deps.participant.audit.byObp(order.obpId)).find(
    (entry) => entry.event_type === METER_RECEIVED && entry.payload_sha256 === order.reference.sha256,
  );
  if (!record || !('seq' in record)) throw new Error(`the meter document of ${order.obpId} has no sealed audit record`);
  return { seq: record.seq, hash: record.hash };
}

/** Heard by the operator and written to the chain, whatever else failed. */
async function alarm({ context, participant }: SettlementDeps, obpId: string, error: unknown): Promise<void> {
  const code =
    error instanceof SettlementError
      ? error.code
      : error instanceof SettlementDataError
        ? 'METER_DOCUMENT_INVALID'
        : 'INTERNAL';
  const text = error instanceof Error ? error.message : String(error);
  context.metrics.count('bap_alarms_total', { kind: 'settlement-failed' });
  context.log.error({ obpId, code, text }, 'an order could not be settled; it is tried again');
  try {
    await participant.transact(async (work) => {
      await work.audit({ event_type: 'settlement.failed', obp_id: obpId, code, decision: text.slice(0, 500) });
      const value = { type: 'alarm.raised', kind: 'settlement-failed', obpId, text, wallAtMs: context.wall.nowMs() };
      await work.emit({ topic: 'bap', key: obpId, value });
    });
  } catch (failure) {
    context.log.error({ obpId, error: String(failure) }, 'the failed settlement could not be recorded');
  }
}
