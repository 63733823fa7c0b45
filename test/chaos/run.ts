/** One run: blows fall on a trading network, then it is left alone, and then everything must be right. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DSO_ID } from '@flexder/sandbox/network/ids.ts';
import {
  allAlive,
  allAnswered,
  allSettled,
  countsAreTrue,
  givenUp,
  noSecretIn,
  nothingLate,
  onlyOnce,
  ordersInOrder,
  type Query,
  recordsInOrder,
  servicesAgree,
  sidesAgree,
} from '../harness/invariants.ts';
import { askUntil, getJson } from '../harness/processes.ts';
import type { Errand } from '../harness/shopper.ts';
import { type Field, openEmbeddedField, openEngineField, type Target } from './field.ts';
import { type Blow, type ChaosOptions, planBlows } from './plan.ts';
import { countStates, placeOrders } from './trade.ts';

export interface Verdict {
  readonly seed: number;
  readonly engines: boolean;
  readonly seconds: number;
  readonly orders: Record<string, number>;
  /** Blows that fell, by service and kind. */
  readonly blows: Record<string, number>;
  /** Why services ended while they started, as one does whose peer dies then; each was started again. */
  readonly failedStarts: readonly string[];
  /** Answers other than 200 that the buyer's requests met on their way. */
  readonly setbacks: Record<string, number>;
  readonly commands: number;
  readonly violations: readonly string[];
  readonly repeat: string;
}

const READY_MS = 60_000;
/** Longer than an answer is waited for, and than any lease and claim. */
const QUIET_MS = 20_000;
const SETTLED_MS = 60_000;
const VIOLATIONS_TOLD = 50;

export async function runChaos(options: ChaosOptions, say: (line: string) => void = () => {}): Promise<Verdict> {
  const field = await (options.engines ? openEngineField : openEmbeddedField)(options.seed);
  try {
    say(`up: ${field.targets.map(({ name }) => name).join(', ')}`);
    const blows = planBlows(
      options,
      field.targets.map(({ name }) => name),
    );
    const trading = placeOrders(field, options);
    const { failures, failedStarts, fallen } = await strike(field, blows, say);
    say('quiet');
    const errands = await trading;
    say(`traded: ${JSON.stringify(countStates(errands))}`);
    const violations = [...failures, ...(await judged(field, options, errands, say))];
    return {
      ...{ seed: options.seed, engines: options.engines, seconds: options.seconds },
      orders: countStates(errands),
      blows: tally(fallen.map(({ service, kind }) => `${service} ${kind}`)),
      failedStarts,
      setbacks: tally(errands.flatMap(({ asked }) => asked.flatMap(({ tries }) => tries.filter((one) => one !== 200)))),
      commands: field.journal.commands.length,
      violations: violations.slice(0, VIOLATIONS_TOLD),
      repeat: repeatOf(options),
    };
  } finally {
    await field.close();
  }
}

export function repeatOf({ seed, seconds, orders, engines }: ChaosOptions): string {
  return `npm run chaos -- --seconds ${seconds} --orders ${orders} --seed ${seed}${engines ? ' --engines' : ''}`;
}

/** Tries of a start, and the pause between them: a supervisor starts again what ended by itself. */
const STARTS = 4;
const START_PAUSE_MS = 500;

/** Resolves when the last victim is back, or is given up. */
async function strike({ targets }: Field, blows: readonly Blow[], say: (line: string) => void) {
  const byName = new Map(targets.map((target) => [target.name, target]));
  const busy = new Set<string>();
  const lost = new Set<string>();
  const failures: string[] = [];
  const failedStarts: string[] = [];
  const fallen: Blow[] = [];
  const going: Promise<void>[] = [];
  const startMs = Date.now();
  for (const blow of blows) {
    const waitMs = startMs + blow.atMs - Date.now();
    if (waitMs > 0) await sleep(waitMs);
    // Still suffering from the last one, or lost to it.
    if (busy.has(blow.service) || lost.has(blow.service)) continue;
    busy.add(blow.service);
    say(`${blow.kind} ${blow.service} for ${blow.afterMs} ms`);
    fallen.push(blow);
    going.push(
      hit(byName.get(blow.service)!, blow, (why) => failedStarts.push(`${blow.service}: ${why}`))
        .catch((error: unknown) => {
          lost.add(blow.service);
          failures.push(`I6 ${blow.service} did not come back: ${lastWords(error)}`);
        })
        .finally(() => busy.delete(blow.service)),
    );
  }
  await Promise.all(going);
  return { failures, failedStarts, fallen };
}

/** The end of what a process said, where it says why it ended. */
function lastWords(error: unknown): string {
  return String(error).trimEnd().slice(-500);
}

async function hit(target: Target, { kind, afterMs }: Blow, onFailedStart: (why: string) => void): Promise<void> {
  const pid = target.pid();
  if (pid === undefined) return;
  if (kind === 'pause') {
    process.kill(pid, 'SIGSTOP');
    await sleep(afterMs);
    process.kill(pid, 'SIGCONT');
    return;
  }
  await target.kill();
  await sleep(afterMs);
  for (let left = STARTS; ; await sleep(START_PAUSE_MS)) {
    try {
      await target.start();
      return;
    } catch (error) {
      if (--left === 0) throw error;
      onFailedStart(lastWords(error));
    }
  }
}

async function judged(
  field: Field,
  options: ChaosOptions,
  errands: readonly Errand[],
  say: (line: string) => void,
): Promise<string[]> {
  const { cluster, journal, shopper } = field;
  const healthy = cluster.running().filter(({ kind }) => kind !== 'fleet');
  const unready = await Promise.all(
    healthy.map(async ({ name, health }) => {
      const ask = () => getJson(`${health}/health/ready`).catch(() => ({ status: 0, body: {} }));
      const last = await askUntil(ask, ({ status }) => status === 200, READY_MS).catch((error: Error) => error);
      return last instanceof Error ? [`I6 ${name} is not ready: ${last.message}`] : [];
    }),
  );
  say('all ready');
  await sleep(QUIET_MS);
  const alive = allAlive(cluster.running(), cluster.logs());
  // Their tables are in files that one process has open: they end first, as they should.
  const ended = options.engines ? [] : await endAll(field);
  say('judging');
  const tables = await field.withTables((all) => judgedTables(field, all, errands, options.engines));
  return [
    ...unready.flat(),
    ...alive,
    ...ended,
    ...onlyOnce(journal),
    ...nothingLate(journal),
    ...noSecretIn(cluster.logs(), field.secrets),
    ...tables,
    ...(shopper.party.received.length === 0 ? ['I2 the buyer never heard anything'] : []),
  ];
}

async function endAll({ cluster }: Field): Promise<string[]> {
  const names = cluster.running().map(({ name }) => name);
  const codes = await Promise.all(names.map(async (name) => ({ name, code: await cluster.stop(name) })));
  return codes.filter(({ code }) => code !== 0).map(({ name, code }) => `I6 ${name} ended with ${code} on SIGTERM`);
}

async function judgedTables(
  { journal, shopper }: Field,
  tables: ReadonlyMap<string, Query>,
  errands: readonly Errand[],
  live: boolean,
): Promise<string[]> {
  const each = async (judge: (id: string, query: Query) => Promise<string[]>) => {
    const found: string[] = [];
    for (const [id, query] of tables) found.push(...(await judge(id, query)));
    return found;
  };
  const settled = () =>
    each(async (id, query) => [...(await allSettled(id, query)), ...(await recordsInOrder(id, query))]);
  const open = live ? await askUntil(settled, (left) => left.length === 0, SETTLED_MS).catch(settled) : await settled();
  const dso = tables.get(DSO_ID)!;
  const excused = new Set<string>();
  for (const query of tables.values()) for (const id of await givenUp(query)) excused.add(id);
  const aggregators = await each(async (id, query) =>
    id.startsWith('aggregator')
      ? [
          ...(await countsAreTrue(id, query, journal)),
          ...(await ordersInOrder(id, query)),
          ...(await sidesAgree(
            id,
            query,
            errands.filter(({ bpp }) => bpp.id === id),
          )),
          ...(await servicesAgree(dso, id, query)),
        ]
      : [],
  );
  return [...open, ...aggregators, ...allAnswered(shopper, errands, excused)];
}

function tally(keys: readonly (string | number)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}
