/** What the page knows: a snapshot, then deltas whose items stand in place of those of the same id. Pure. */
import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import type { AlarmView } from '../../src/operator-api/alarms/alarms.ts';
import type { FeederView } from '../../src/operator-api/deps.ts';
import type { OverloadView } from '../../src/operator-api/events/overloads.ts';
import type { OrderView } from '../../src/operator-api/orders/orders.ts';
import type { Delta } from '../../src/operator-api/stream/changes.ts';
import type { LoadPoint, Snapshot } from '../../src/operator-api/stream/snapshot.ts';

export interface Live extends Pick<Snapshot, 'mode' | 'dso' | 'clocks' | 'decisions' | 'restrictions'> {
  readonly feeders: ReadonlyMap<string, FeederView>;
  /** Newest first. */
  readonly overloads: readonly OverloadView[];
  readonly orders: readonly OrderView[];
  readonly alarms: readonly AlarmView[];
  readonly load: ReadonlyMap<string, readonly LoadPoint[]>;
  /** Newest last. */
  readonly audit: readonly AuditRecord[];
}

const ORDERS = 200;
const OVERLOADS = 50;
const ALARMS = 200;
const RECORDS = 200;
const POINTS = 500;
const RECENT_MS = 3 * 3_600_000;
const POINT_MS = 30_000;

export function fromSnapshot(snapshot: Snapshot): Live {
  const { mode, dso, clocks, decisions, restrictions, overloads, orders, alarms, audit } = snapshot;
  return {
    ...{ mode, dso, clocks, decisions, restrictions, overloads, orders, alarms, audit },
    feeders: new Map(snapshot.feeders.map((feeder) => [feeder.feederId, feeder])),
    load: new Map(Object.entries(snapshot.recentLoad)),
  };
}

export function apply(state: Live, delta: Delta): Live {
  const feeders = delta.feeders ?? [];
  const last = state.audit.at(-1)?.seq ?? 0;
  return {
    ...state,
    clocks: delta.clocks,
    decisions: delta.decisions ?? state.decisions,
    restrictions: delta.restrictions ?? state.restrictions,
    feeders:
      feeders.length > 0 ? new Map([...state.feeders, ...feeders.map((f) => [f.feederId, f] as const)]) : state.feeders,
    load: feeders.length > 0 ? withPoints(state.load, feeders) : state.load,
    overloads: merged(
      state.overloads,
      delta.overloads,
      OVERLOADS,
      (o) => o.eventId,
      (o) => Date.parse(o.detectedAt),
    ),
    orders: merged(
      state.orders,
      delta.orders,
      ORDERS,
      (o) => o.obpId,
      (o) => o.createdMs,
    ),
    alarms: merged(
      state.alarms,
      delta.alarms,
      ALARMS,
      (a) => a.alarmId,
      (a) => a.alarmId,
    ),
    audit: [...state.audit, ...(delta.audit ?? []).filter(({ seq }) => seq > last)].slice(-RECORDS),
  };
}

/** Takes what was read of a feeder's past in front of what came since. */
export function withPast(state: Live, feederId: string, past: readonly LoadPoint[]): Live {
  const since = state.load.get(feederId) ?? [];
  const firstMs = since[0]?.atMs ?? Number.POSITIVE_INFINITY;
  const points = [...past.filter(({ atMs }) => atMs < firstMs), ...since].slice(-POINTS);
  return { ...state, load: new Map([...state.load, [feederId, points]]) };
}

/** Newest first; the newest stay. */
function merged<T>(
  old: readonly T[],
  changed: readonly T[] | undefined,
  most: number,
  idOf: (item: T) => string | number,
  ageOf: (item: T) => number,
): readonly T[] {
  if (!changed) return old;
  const items = new Map([...old, ...changed].map((item) => [idOf(item), item]));
  return [...items.values()].sort((a, b) => ageOf(b) - ageOf(a)).slice(0, most);
}

/** The line gets a point every half minute; the newest one stands for the moment. */
function withPoints(load: Live['load'], feeders: readonly FeederView[]): Live['load'] {
  const next = new Map(load);
  for (const { feederId, powerKw, at, quality } of feeders) {
    if (powerKw === null || at === null) continue;
    const before = load.get(feederId) ?? [];
    const last = before.at(-1);
    if (last && at <= last.atMs) continue;
    const kept = before.length > 1 && at - before.at(-2)!.atMs < POINT_MS ? before.slice(0, -1) : before;
    const point = { atMs: at, powerKw, quality: quality === 'ESTIMATED' ? quality : 'GOOD' } as const;
    next.set(feederId, [...kept, point].filter(({ atMs }) => atMs > at - RECENT_MS).slice(-POINTS));
  }
  return next;
}
