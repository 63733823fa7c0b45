/** The plans of several needs made as one: nobody's block is sold twice, and relief counts wherever it is felt. */
import type { FlexOffer } from '@flexder/protocol/flexibility/model.ts';
import { PLAN_GAP, PLAN_SOLVE_MS } from '../../limits.ts';
import { blockKey } from './eligibility.ts';
import { byPriority, type Coupled, coupledGroups, coupledProblem, type JointNeed } from './joint-columns.ts';
import { coverApart, coverByRelief, coverInTurn } from './joint-heuristic.ts';
import { type JointCover, type JointProblem, jointCoverOf } from './joint-problem.ts';
import { type Market, milliWatts, type Plan, type PlanOptions, planWith, type ReliedBlock } from './plan.ts';

/** What the plans of a group have in common. */
export interface SharedFigures {
  readonly neededKw: number;
  readonly askedKw: number;
  readonly costGbp: number;
  readonly method: Plan['method'];
  readonly gap: number;
}

/** The part of one need. */
export interface JointPart {
  readonly plan: Plan;
  /** Events it was planned together with, itself left out. */
  readonly plannedWith: readonly { readonly eventId: string; readonly feederId: string }[];
  readonly shared: SharedFigures;
  /** What the others leave, and what they take of each block, kW by `blockKey`. */
  readonly left: Market;
  readonly othersKw: ReadonlyMap<string, number>;
  /** kW of what is bought here that the others count on, by event. */
  readonly lends: readonly { readonly eventId: string; readonly feederId: string; readonly kw: number }[];
  /** Why it gets less than it needs; absent when it does not. */
  readonly shortBecause?: string;
}

/** In the order of `needs`; undefined where a need is coupled with no other: it is planned as ever. */
export async function planTogether(
  needs: readonly JointNeed[],
  { solver, solveMs = PLAN_SOLVE_MS }: Pick<PlanOptions, 'solver' | 'solveMs'>,
): Promise<(JointPart | undefined)[]> {
  const parts: (JointPart | undefined)[] = needs.map(() => undefined);
  for (const group of coupledGroups(needs)) {
    if (group.length < 2) continue;
    const members = group.map((i) => needs[i]!);
    const coupled = coupledProblem(members);
    const found = await bestCover(members, coupled.problem, (problem) => solveWith(problem, solver, solveMs));
    group.forEach((i, at) => {
      parts[i] = partOf(members, coupled, found, at);
    });
  }
  return parts;
}

type Solve = (problem: JointProblem) => Promise<JointCover | undefined>;

function solveWith(problem: JointProblem, solver: PlanOptions['solver'], solveMs: number): ReturnType<Solve> {
  return solver ? solver.solveJoint(problem, solveMs) : Promise.resolve(undefined);
}

interface Found {
  readonly cover: JointCover;
  /** By need. */
  readonly shortBecause: readonly (string | undefined)[];
}

/**
 * Where not everything can be had: a need is first lowered to what all its offers give, since nobody else would gain by
 * more; and what then is still too little for all goes to one after the other by priority.
 */
async function bestCover(needs: readonly JointNeed[], problem: JointProblem, solve: Solve): Promise<Found> {
  const none = needs.map(() => undefined);
  const whole = await cheapest(needs, problem, solve);
  if (whole) return { cover: whole, shortBecause: none };
  const most = needs.map((_, need) => mostFor(problem, need));
  const lowered = {
    ...problem,
    neededMilliW: problem.neededMilliW.map((needed, need) => Math.min(needed, most[need]!)),
  };
  const scarce = needs.map((_, need) =>
    most[need]! < problem.neededMilliW[need]! ? `all its offers together give ${kwText(most[need]!)}` : undefined,
  );
  const enough = scarce.some((because) => because !== undefined) ? await cheapest(needs, lowered, solve) : undefined;
  if (enough) return { cover: enough, shortBecause: scarce };
  const order = orderOf(needs);
  const served = coverInTurn(lowered, order);
  const targets = lowered.neededMilliW.map((needed, need) => Math.min(needed, served.givenMilliW[need]!));
  const relaxed = { ...problem, neededMilliW: targets };
  const cover = cheaper(jointCoverOf(relaxed, served.takenW, 'heuristic'), await cheapest(needs, relaxed, solve));
  const shortBecause = needs.map((_, need) =>
    targets[need]! < lowered.neededMilliW[need]! ? after(needs, order, need) : scarce[need],
  );
  return { cover: cover!, shortBecause };
}

const orderOf = (needs: readonly JointNeed[]) => [...needs.keys()].sort((a, b) => byPriority(needs[a]!, needs[b]!));

/** The most that one need could have if it were alone, watts times 1000. */
function mostFor(problem: JointProblem, need: number): number {
  const neededMilliW = problem.neededMilliW.map((_, at) => (at === need ? Number.POSITIVE_INFINITY : 0));
  return coverInTurn({ ...problem, neededMilliW }, [need]).givenMilliW[need]!;
}

/** Undefined when nothing that covers every need was found. */
async function cheapest(
  needs: readonly JointNeed[],
  problem: JointProblem,
  solve: Solve,
): Promise<JointCover | undefined> {
  const given = [...needs.keys()];
  const order = orderOf(needs);
  const choices = needs.map(({ market }) => market.eligible.length);
  const scarcest = [...given].sort((a, b) => choices[a]! - choices[b]! || a - b);
  const turns = new Map([given, order, [...order].reverse(), scarcest].map((one) => [one.join(' '), one]));
  const covers = [
    ...[...turns.values()].map((one) => coverInTurn(problem, one)),
    coverApart(problem, given),
    coverByRelief(problem),
  ];
  let best: JointCover | undefined;
  for (const cover of covers) best = cheaper(best, cover);
  if (best && best.gap <= PLAN_GAP) return best;
  return cheaper(best, await solve(problem));
}

/** The first when both cost the same. What is told of the gap is the best that is known. */
function cheaper(one: JointCover | undefined, other: JointCover | undefined): JointCover | undefined {
  if (!other?.sufficient) return one;
  if (!one?.sufficient || other.cost < one.cost) return other;
  return { ...one, gap: Math.min(one.gap, other.gap) };
}

function after(needs: readonly JointNeed[], order: readonly number[], need: number): string {
  const before = order.slice(0, order.indexOf(need)).map((at) => needs[at]!);
  if (before.length === 0) return 'what is offered and within the limits of aggregators does not suffice';
  const names = before.map(({ market, essentialKw, severity }) => {
    const why =
      essentialKw > 0
        ? `${kwText(essentialKw * 1e6)} of essential load`
        : `${Math.round(severity * 1_000) / 10} % over its limit`;
    return `${market.need.eventId} on ${market.need.feederId} (${why})`;
  });
  return `what there is went first to ${names.join(', ')}`;
}

const kwText = (milliW: number) => `${Math.round(milliW / 1e5) / 10} kW`;

function partOf(
  needs: readonly JointNeed[],
  { problem, offers, places }: Coupled,
  { cover, shortBecause }: Found,
  at: number,
): JointPart {
  const { market, needKw } = needs[at]!;
  const takenW = market.eligible.map(() => 0);
  const lentMilliW = needs.map(() => 0);
  const relied: ReliedBlock[] = [];
  const others: { offer: FlexOffer; watts: number }[] = [];
  cover.takenW.forEach((watts, i) => {
    if (watts === 0) return;
    const { home, yieldsMilli } = problem.columns[i]!;
    const offer = offers[i]!;
    if (home === at) {
      takenW[places[i]!] = watts;
      for (const [other, milli] of yieldsMilli.entries()) lentMilliW[other]! += watts * milli;
      return;
    }
    others.push({ offer, watts });
    const felt = yieldsMilli[at]!;
    if (felt > 0) relied.push(reliedBlock(needs[home]!.market, offer, watts, felt));
  });
  const cost = takenW.reduce((sum, watts, i) => sum + watts * market.blocks[i]!.unitCost, 0);
  const sufficient = cover.givenMilliW[at]! >= milliWatts(needKw);
  const names = needs.map((need) => ({ eventId: need.market.need.eventId, feederId: need.market.need.feederId }));
  const othersKw = sums(others, ({ offer }) => blockKey(offer));
  return {
    plan: planWith(market, { takenW, cost, sufficient, method: cover.method, gap: cover.gap }, relied),
    plannedWith: names.filter((_, i) => i !== at),
    shared: sharedFigures(needs, problem, cover),
    left: leftOf(
      market,
      othersKw,
      sums(others, ({ offer }) => offer.bppId),
    ),
    othersKw,
    lends: names.flatMap((name, i) => {
      const kw = Math.round(lentMilliW[i]! / 1e3) / 1e3;
      return i !== at && kw > 0 ? [{ ...name, kw }] : [];
    }),
    ...(shortBecause[at] !== undefined && { shortBecause: shortBecause[at] }),
  };
}

function reliedBlock({ need, options }: Market, offer: FlexOffer, watts: number, feltMilli: number): ReliedBlock {
  const reach = feltMilli / 1_000 / options.derate(offer);
  return { offer, kw: watts / 1_000, expectedKw: (watts * feltMilli) / 1e6, reach, eventId: need.eventId };
}

/** kW by key. */
function sums<T extends { readonly watts: number }>(parts: readonly T[], keyOf: (part: T) => string) {
  const found = new Map<string, number>();
  for (const part of parts) found.set(keyOf(part), (found.get(keyOf(part)) ?? 0) + part.watts / 1_000);
  return found;
}

function sharedFigures(
  needs: readonly JointNeed[],
  { columns }: JointProblem,
  { takenW, cost, method, gap }: JointCover,
): SharedFigures {
  const askedW = columns.reduce((sum, _, i) => sum + takenW[i]!, 0);
  return {
    ...{ method, gap },
    neededKw: Math.round(needs.reduce((sum, { needKw }) => sum + needKw, 0) * 1_000) / 1_000,
    askedKw: askedW / 1_000,
    // Of a watt for a minute, in hundred-thousandths of a pound a kilowatt hour.
    costGbp: Math.round(cost / 6e7) / 100,
  };
}

function leftOf(market: Market, ofBlock: ReadonlyMap<string, number>, ofParty: ReadonlyMap<string, number>): Market {
  const left = market.eligible.flatMap((offer, i) => {
    const block = market.blocks[i]!;
    const leftW = Math.round(block.maximumW - (ofBlock.get(blockKey(offer)) ?? 0) * 1_000);
    const watts = Math.floor(leftW / block.stepW) * block.stepW;
    return watts > 0 && watts >= block.minimumW ? [{ offer, block: { ...block, maximumW: watts } }] : [];
  });
  return {
    ...market,
    eligible: left.map(({ offer }) => offer),
    blocks: left.map(({ block }) => block),
    partyMaxW: market.partyMaxW.map((maxW, i) => Math.round(maxW - (ofParty.get(market.parties[i]!) ?? 0) * 1_000)),
  };
}
