/** One activation of one feeder, as the services themselves tell of it. */

import type { OverloadView } from '@flexder/bap-dso/operator-api/events/overloads.ts';
import type { OrderView } from '@flexder/bap-dso/operator-api/orders/orders.ts';
import type { WallClock } from '@flexder/runtime/clock.ts';
import { request } from 'undici';
import { roundedPercentiles } from '../report.ts';
import { type CpuSeconds, countCpu } from './cpu.ts';
import { READING_EVERY_MS } from './devices.ts';
import type { RemoteFleet } from './process.ts';

export interface Bench {
  /** Base URL of the DSO. */
  readonly dso: string;
  readonly devices: RemoteFleet;
  readonly pids: ReadonlyMap<string, number>;
  readonly wall: WallClock;
}

export interface Activated {
  readonly orders: readonly OrderView[];
  /** From just before the reading until every answer was counted. */
  readonly cpu: CpuSeconds;
}

/** More is wanted than all of them together have. */
const SHARE_OF_LIMIT = 4;
/** Feeders report at the full minute; the load rises this long before. */
const BEFORE_READING_MS = 500;
/** Seldom: each asks the very process that is measured. */
const POLL_MS = 1_000;
/** A minute to the reading, and the longest wait for the answers of devices, several times over. */
const GIVE_UP_MS = 5 * READING_EVERY_MS;
const AWAITING: ReadonlySet<string> = new Set(['SELECTING', 'QUOTED', 'INITIALISING', 'INITIALISED', 'CONFIRMING']);
const RUNNING: ReadonlySet<string> = new Set(['SCHEDULED', 'IN_PROGRESS']);

export async function readDso<T>(dso: string, path: string): Promise<T> {
  const { statusCode, body } = await request(`${dso}${path}`);
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`${path} answered ${statusCode}: ${text.slice(0, 200)}`);
  return JSON.parse(text) as T;
}

/**
 * Lifts the feeder's load over its limit; resolves when its orders are placed and all answers counted. On a machine with
 * other work a search may find nobody in time: the next reading asks again.
 */
export async function activate({ dso, devices, pids, wall }: Bench, feederId: string): Promise<Activated> {
  const untilReadingMs = READING_EVERY_MS - (wall.nowMs() % READING_EVERY_MS);
  await wall.sleep(Math.max(0, untilReadingMs - BEFORE_READING_MS));
  const { orders: before } = await ordersOf(dso, feederId);
  if (before.length > 0) throw new Error(`${feederId} has orders already: what follows would measure something else`);
  await devices.load(feederId, SHARE_OF_LIMIT);
  const cpu = countCpu(pids);
  const giveUpAtMs = wall.monotonicMs() + GIVE_UP_MS;
  try {
    for (;;) {
      const { overloads } = await readDso<{ overloads: OverloadView[] }>(
        dso,
        `/api/v1/overloads?feeder_id=${feederId}`,
      );
      const { orders } = await ordersOf(dso, feederId);
      const placed =
        overloads.some(({ state }) => state !== 'BUYING') && orders.some(({ state }) => RUNNING.has(state));
      if (placed && orders.every(isOver)) return { orders, cpu: cpu() };
      if (wall.monotonicMs() > giveUpAtMs)
        throw new Error(
          `${feederId} was not relieved in ${GIVE_UP_MS / 1000} s: does the database hold an earlier run?`,
        );
      await wall.sleep(POLL_MS);
    }
  } finally {
    await devices.load(feederId, null);
  }
}

const ordersOf = (dso: string, feederId: string) =>
  readDso<{ orders: OrderView[] }>(dso, `/api/v1/orders?feeder_id=${feederId}`);

function isOver({ state, devices }: OrderView): boolean {
  return RUNNING.has(state) ? devices?.closed === true : !AWAITING.has(state);
}

/** Wall milliseconds; `commandMs` when each command's own time is known. */
export function figuresOf({ orders, cpu }: Activated, commandMs: readonly number[] | null) {
  const kept = orders.filter(({ state }) => RUNNING.has(state));
  const sum = (of: (devices: NonNullable<OrderView['devices']>) => number) =>
    orders.reduce((total, { devices }) => total + (devices ? of(devices) : 0), 0);
  const each = (of: (order: OrderView) => number | null) =>
    roundedPercentiles(kept.flatMap((order) => of(order) ?? []));
  const ofOrders = each((order) => order.detectionToDispatchMs);
  return {
    orders: kept.length,
    ordersNotKept: orders.filter(({ state }) => !RUNNING.has(state)).map(({ state, reason }) => ({ state, reason })),
    commands: sum((devices) => devices.commands),
    answersCounted: sum(({ accepted, rejected, optedOut }) => accepted + rejected + optedOut),
    silent: sum(({ silent }) => silent),
    /** Each order: from the receipt of the sample to its last command at the broker. No command took longer than `max`. */
    detectionToDispatchMs: ofOrders,
    detectionToCommandMs: commandMs && roundedPercentiles(commandMs),
    /** Each order: to its last answer. */
    detectionToAckMs: each((order) => order.detectionToAckMs),
    cpuSeconds: cpu,
  };
}
