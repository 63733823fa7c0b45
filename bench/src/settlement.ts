/** A day of activations: what it takes to compute their settlement, and to settle them through the database. */

import { sha256 } from '@flexder/bap-dso/audit-settlement/digest.ts';
import { DSO, opened, seedOrder } from '@flexder/bap-dso/audit-settlement/fixtures/opened.ts';
import { p0282 } from '@flexder/bap-dso/audit-settlement/reports/p0282.ts';
import { settlementConfig } from '@flexder/bap-dso/audit-settlement/settlement/config.ts';
import type { SettledOrder } from '@flexder/bap-dso/audit-settlement/settlement/order.ts';
import { type SettlementValues, settlementRows } from '@flexder/bap-dso/audit-settlement/settlement/rows.ts';
import { settleOrder } from '@flexder/bap-dso/audit-settlement/settlement/settle.ts';
import type { MeterDocument, MeterRow } from '@flexder/protocol/flexibility/model.ts';
import { dateAfter, dayOfWeek } from '@flexder/protocol/flexibility/settlement-period.ts';
import { BL01_LIKE, baselineFrom } from '@flexder/protocol/settlement/baseline.ts';
import { coveredPeriods } from '@flexder/protocol/settlement/periods.ts';
import { systemWallClock } from '@flexder/runtime/clock.ts';

export interface SettlementBenchOptions {
  /** Activations of the day. */
  readonly n: number;
  /** Of them, how many go through the database as well. */
  readonly stored: number;
}

const DATE = '2026-01-15';
const METERS = 10;
const BEFORE = [29, 30, 31, 32, 33, 34];
const EVENT = [35, 36];
const HISTORY_DAYS = 10;
const wall = systemWallClock();

export async function benchSettlement(
  { n, stored }: SettlementBenchOptions,
  say: (line: string) => void,
): Promise<object> {
  const config = settlementConfig('dso-bench');
  const rows: SettlementValues[] = [];
  const begunMs = wall.monotonicMs();
  for (let index = 0; index < n; index++) rows.push(...computed(index, config));
  const computedMs = wall.monotonicMs() - begunMs;
  say(`${n} activations computed in ${Math.round(computedMs)} ms: ${rows.length} rows`);
  const flowMs = wall.monotonicMs();
  const { control } = p0282(DATE, rows);
  const compute = {
    activations: n,
    rows: rows.length,
    ms: Math.round(computedMs),
    perSecond: Math.round((n * 1_000) / computedMs),
    p0282Ms: Math.round(wall.monotonicMs() - flowMs),
    pairs: control.msid_pairs,
  };
  return { bench: 'settlement', meters: METERS, compute, throughDatabase: await settleStored(stored, say) };
}

/** Document, baseline, rows, audit records, files for the archive and a checkpoint: all that an order takes. */
async function settleStored(count: number, say: (line: string) => void): Promise<object> {
  const dso = await opened();
  try {
    for (let index = 0; index < count; index++) {
      const obpId = `obp-${index}`;
      const path = `/meter/${obpId}`;
      const bytes = Buffer.from(JSON.stringify({ ...document(index), order_id: 'order-1', obp_id: obpId }));
      dso.documents.set(path, bytes);
      await seedOrder(dso.db, { obpId, path, sha256: sha256(bytes), rows: METERS * EVENT.length });
    }
    const begunMs = wall.monotonicMs();
    for (let index = 0; index < count; index++) await settleOrder(dso, `obp-${index}`);
    const ms = wall.monotonicMs() - begunMs;
    say(`${count} activations settled through the database of ${DSO} in ${Math.round(ms)} ms`);
    return { database: 'pglite', activations: count, ms: Math.round(ms), perSecond: Math.round((count * 1_000) / ms) };
  } finally {
    await dso.close();
  }
}

function computed(index: number, config: ReturnType<typeof settlementConfig>): SettlementValues[] {
  const meters = document(index);
  const order: SettledOrder = {
    obpId: meters.obp_id,
    obpIdSource: 'network-assigned',
    feederId: `feeder-${index % 100}`,
    bppId: `bpp-${index % 10}`,
    transactionId: `transaction-${index}`,
    orderId: meters.order_id,
    interventionClass: 'INCENTIVE',
    issuedAtMs: Date.parse(`${DATE}T16:59:58Z`),
    window: { startMs: Date.parse(`${DATE}T17:00:00Z`), endMs: Date.parse(`${DATE}T17:45:00Z`) },
    committedKw: 60,
    priceGbpPerKwh: '0.25',
  };
  const event = coveredPeriods(order.window);
  const baselineOf = baselineFrom([...meters.history, ...meters.rows], event, () => new Set(), BL01_LIKE);
  const restsOn = { seq: index + 1, hash: '0'.repeat(64) };
  const base = { config, order, document: meters, baselineOf, baselineMethod: BL01_LIKE.method };
  return settlementRows({ ...base, revision: 1, restsOn });
}

/** Ten meters with ten working days of history; no two of them alike. */
function document(index: number): MeterDocument {
  const days: string[] = [];
  for (let date = dateAfter(DATE, -1); days.length < HISTORY_DAYS; date = dateAfter(date, -1))
    if (dayOfWeek(date) <= 5) days.push(date);
  const rows: MeterRow[] = [];
  const history: MeterRow[] = [];
  for (let meter = 0; meter < METERS; meter++) {
    const msid = String(1_000_000_000_000 + index * METERS + meter);
    const row = (date: string, period: number, kwh: number): MeterRow => ({
      import_msid: msid,
      export_msid: null,
      settlement_date: date,
      settlement_period: period,
      metered_kwh: kwh,
      quality: 'GOOD',
    });
    for (const period of EVENT) rows.push(row(DATE, period, 0.5 + meter / 10));
    for (const period of BEFORE) history.push(row(DATE, period, 3 + meter / 10));
    for (const day of days)
      for (const period of [...BEFORE, ...EVENT]) history.push(row(day, period, 3 + meter / 10 + period / 1_000));
  }
  return { version: 1, order_id: `order-${index}`, obp_id: `obp-${index}`, rows, history };
}
