/** One seed: a network that starts well, a while in which things go wrong, and a while in which it must come to its ends. */
import type { SimDatabase } from './database.ts';
import { executedOnce, nothingAfterTheWindow } from './invariants/devices.ts';
import { agreed, ended, terminal } from './invariants/ending.ts';
import { ledger } from './invariants/ledger.ts';
import { recorded } from './invariants/record.ts';
import { drawCrash } from './process.ts';
import { START_MS } from './scenario.ts';
import { createWorld, type World } from './world.ts';

export interface SeedOptions {
  readonly seed: number;
  readonly orders: number;
  readonly database: SimDatabase;
  readonly keepTrace?: boolean;
  readonly faultShare?: number;
  /** Plants a defect, to see that it is found. */
  sabotage?(world: World): void;
}

export interface SeedResult {
  readonly seed: number;
  /** Of the trace: the whole story. */
  readonly hash: string;
  readonly faults: string;
  /** What does not hold, by the name of the invariant; empty when all is well. */
  readonly broken: readonly string[];
  readonly trace: readonly string[];
  readonly ends: Readonly<Record<string, number>>;
}

const MINUTE_MS = 60_000;
const CALM_MS = MINUTE_MS;
const SAFETY_LEAST_MINUTES = 10;
const SAFETY_MOST_MINUTES = 40;
/** From here on an undisturbed network has come to its ends; until then there is no use in looking. */
const ENDS_MS = START_MS + 36 * MINUTE_MS;
const LOOK_EVERY_MS = 5 * MINUTE_MS;
/** Longest order: its window, the rest of the settlement period, and what a DSO waits until it asks for the end. */
const LIVENESS_MS = 100 * MINUTE_MS;

const ALWAYS = [
  ['I1 no device executes two commands of one order', executedOnce],
  ['I3 nothing is dispatched after the window', nothingAfterTheWindow],
  ['I4 delivered is the sum of accepted readings', ledger],
  ['I5 every transition has its record, in order', recorded],
] as const;

const AT_THE_END = [
  ['I2 what was acknowledged comes to an end', terminal],
  ['I2 needs and orders come to an end', ended],
  ['I7 both sides agree', agreed],
] as const;

type Check = readonly [string, (world: World) => string[] | Promise<string[]>];

async function check(world: World, checks: readonly Check[]): Promise<string[]> {
  const broken: string[] = [];
  for (const [name, of] of checks) broken.push(...(await of(world)).map((what) => `${name}: ${what}`));
  return broken;
}

export async function runSeed(options: SeedOptions): Promise<SeedResult> {
  const world = await createWorld(options);
  const { clock, faults, trace, seed } = world;
  try {
    options.sabotage?.(world);
    await clock.runTo(clock.nowMs() + CALM_MS);
    await disturb(world);
    const broken = await check(world, ALWAYS);
    if (broken.length === 0) broken.push(...(await comeToAnEnd(world)));
    const states = await world.database.rows<{ state: string }>('dso-1', 'select state from flex_order');
    const ends: Record<string, number> = {};
    for (const { state } of states) ends[state] = (ends[state] ?? 0) + 1;
    return { seed, hash: trace.hash, faults: faults.describe(), broken, trace: trace.last(), ends };
  } finally {
    world.close();
  }
}

/** Safety: whatever goes wrong, nothing that must not be is. */
async function disturb(world: World): Promise<void> {
  const { clock, faults, network, bus, processes } = world;
  const random = world.random.fork('disturbances');
  const untilMs = clock.nowMs() + random.integer(SAFETY_LEAST_MINUTES, SAFETY_MOST_MINUTES) * MINUTE_MS;
  faults.active = true;
  while (clock.nowMs() < untilMs) {
    await clock.runTo(Math.min(untilMs, clock.nowMs() + random.integer(5_000, MINUTE_MS)));
    bus.cut();
    const { process, edges, downMs } = drawCrash(random, processes);
    if (faults.happens('crash')) process.crash(edges, downMs);
    const [a, b] = [drawCrash(random, processes).process.name, drawCrash(random, processes).process.name];
    if (faults.happens('partition')) network.partition(a, b, clock.nowMs() + random.integer(1_000, 2 * MINUTE_MS));
  }
  faults.active = false;
}

/** Liveness: with nothing going wrong any more, all of it ends, within a bound. */
async function comeToAnEnd(world: World): Promise<string[]> {
  const { clock, trace } = world;
  const untilMs = clock.nowMs() + LIVENESS_MS;
  await clock.runTo(Math.max(ENDS_MS, clock.nowMs() + 2 * MINUTE_MS));
  let broken = await check(world, AT_THE_END);
  while (broken.length > 0 && clock.nowMs() < untilMs) {
    await clock.runTo(clock.nowMs() + LOOK_EVERY_MS);
    broken = await check(world, AT_THE_END);
  }
  trace.note('end');
  return [...broken, ...(await check(world, ALWAYS))];
}
