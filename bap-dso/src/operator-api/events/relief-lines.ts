/** Promised, acknowledged and measured kW over time, from what is recorded. Pure. Grid time, kW of reduction. */
import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import type { TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import { answersOfRecord } from '../../dispatch/report.ts';
import { stateOfRecord } from '../../flex-orchestration/orders/orders.ts';
import { rounded } from '../../grid-monitoring/detection/detection.ts';
import type { Reading } from '../../grid-monitoring/telemetry/series.ts';

export interface LinePoint {
  readonly atMs: number;
  readonly kw: number;
}

/** An order as it is felt at the feeder of the event. */
export interface OrderFacts {
  /** Of a kW of it, what is felt. */
  readonly share: number;
  /** What is agreed, oldest first; of an order that was never changed one. */
  readonly revisions: readonly { readonly fromMs: number; readonly committedKw: number; readonly window: TimeWindow }[];
  /** Moves of this order, oldest first. */
  readonly records: readonly AuditRecord[];
  /** What its row says; of orders whose records tell no answers. */
  readonly acknowledgedKw: number | null;
  /** Its row says that it was confirmed; of orders that have no record of it. */
  readonly confirmed: boolean;
}

/** Half-open. */
interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  readonly kw: number;
}

/** When a record was made, in grid time. */
export const gridMsOf = ({ grid_ts_utc, ts_utc }: Pick<AuditRecord, 'grid_ts_utc' | 'ts_utc'>): number =>
  Date.parse(grid_ts_utc ?? ts_utc);

/** What orders bind their aggregators to at each instant: from the confirmation, within the window, until one is cancelled. */
export function promisedLine(orders: readonly OrderFacts[], bounds: TimeWindow, points: number): LinePoint[] {
  return stepLine(orders.flatMap(promisedSpans), bounds, points);
}

/** What devices accepted of that, as it was told. */
export function acknowledgedLine(orders: readonly OrderFacts[], bounds: TimeWindow, points: number): LinePoint[] {
  return stepLine(orders.flatMap(acknowledgedSpans), bounds, points);
}

function promisedSpans({ share, revisions, records, confirmed }: OrderFacts): Span[] {
  const confirmation = records.find((record) => record.committed_kw !== undefined);
  if (!confirmation && !confirmed) return [];
  const sinceMs = confirmation ? gridMsOf(confirmation) : Number.NEGATIVE_INFINITY;
  const endedMs = endOf(records);
  return revisions.map(({ fromMs, committedKw, window }, index) => ({
    fromMs: Math.max(sinceMs, window.startMs, index === 0 ? window.startMs : fromMs),
    toMs: Math.min(endedMs, window.endMs, revisions[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY),
    kw: committedKw * share,
  }));
}

function acknowledgedSpans(order: OrderFacts): Span[] {
  const { share, revisions, records, acknowledgedKw } = order;
  const told = records.flatMap((record) => {
    const answers = answersOfRecord(record);
    return answers ? [{ atMs: gridMsOf(record), kw: answers.acknowledgedKw }] : [];
  });
  const running = records.find((record) => stateOfRecord(record) === 'IN_PROGRESS');
  const first = { atMs: running ? gridMsOf(running) : (revisions[0]?.window.startMs ?? 0), kw: acknowledgedKw ?? 0 };
  const steps = told.length > 0 ? told : [first];
  const startMs = revisions[0]?.window.startMs ?? 0;
  const endMs = Math.min(endOf(records), revisions.at(-1)?.window.endMs ?? 0);
  return steps.map(({ atMs, kw }, index) => ({
    fromMs: Math.max(atMs, startMs),
    toMs: Math.min(endMs, steps[index + 1]?.atMs ?? Number.POSITIVE_INFINITY),
    kw: kw * share,
  }));
}

function endOf(records: readonly AuditRecord[]): number {
  const end = records.find((record) => stateOfRecord(record) === 'CANCELLED');
  return end ? gridMsOf(end) : Number.POSITIVE_INFINITY;
}

/** The sum of spans at each instant where it changes; of changes closer than a point is wide, the last one's value. */
function stepLine(spans: readonly Span[], { startMs, endMs }: TimeWindow, points: number): LinePoint[] {
  const changes = new Map<number, number>([[startMs, 0]]);
  const add = (atMs: number, kw: number) => changes.set(atMs, (changes.get(atMs) ?? 0) + kw);
  for (const { fromMs, toMs, kw } of spans) {
    const [from, to] = [Math.max(fromMs, startMs), Math.min(toMs, endMs)];
    if (from >= to) continue;
    add(from, kw);
    // What ends with what is shown does not fall within it.
    if (toMs < endMs) add(to, -kw);
  }
  const widthMs = Math.max(1, (endMs - startMs) / points);
  const line = new Map<number, LinePoint>();
  let sum = 0;
  for (const [atMs, change] of [...changes].sort(([a], [b]) => a - b)) {
    sum += change;
    line.set(Math.floor((atMs - startMs) / widthMs), { atMs, kw: rounded(Math.max(0, sum)) });
  }
  const shown = [...line.values()];
  return endMs > (shown.at(-1)?.atMs ?? endMs) ? [...shown, { atMs: endMs, kw: shown.at(-1)!.kw }] : shown;
}

/** A baseline that a verification used, and when. */
export interface Verified {
  readonly atMs: number;
  readonly baselineKw: number;
}

/**
 * The fall of the load against the baseline that the verification of that time used: one is fixed when the window
 * begins, and another at each top-up. Where none was verified yet, `baselineKw` is the one that will be used.
 */
export function measuredLine(
  readings: readonly Reading[],
  verified: readonly Verified[],
  baselineKw: number,
): LinePoint[] {
  const last = verified.at(-1)?.baselineKw ?? baselineKw;
  return readings.map(({ atMs, powerKw }) => {
    const used = verified.find((one) => one.atMs >= atMs)?.baselineKw ?? last;
    return { atMs, kw: rounded(used - powerKw) };
  });
}
