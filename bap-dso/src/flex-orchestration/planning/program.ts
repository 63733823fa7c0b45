/** The cover as a mixed-integer program in the LP format of CPLEX, which solvers read. */
import { type CoverProblem, leastLevel } from './cover.ts';
import type { JointColumn, JointProblem } from './joint-problem.ts';

/** So that rounding in the solver does not leave the need a milliwatt short. */
const MARGIN_KW = 1e-6;
/** Terms of a sum on one line: the format bounds the length of lines. */
const TERMS = 8;

/** One need is a joint cover of one. */
export function asJoint({ blocks, neededMilliW, partyMaxW }: CoverProblem): JointProblem {
  return {
    columns: blocks.map((block, i) => ({ ...block, block: i, home: 0, yieldsMilli: [block.yieldMilli] })),
    blockMaxW: blocks.map(({ maximumW }) => maximumW),
    ...{ neededMilliW: [neededMilliW], partyMaxW },
  };
}

/** Variables: `k…` steps taken of a column, `b…` whether it is taken at all where it has a minimum above one step. */
export function programOf({ columns, blockMaxW, neededMilliW, partyMaxW }: JointProblem): string {
  const most = columns.map(({ maximumW, stepW }) => maximumW / stepW);
  const least = columns.map((column) => leastLevel(column) / column.stepW);
  const choices = columns.flatMap((_, i) => (least[i]! > 1 ? [i] : []));
  const cost = columns.map(({ unitCost, stepW }, i) => term((unitCost / 1e5) * (stepW / 1e3), `k${i}`));
  const needs = neededMilliW.flatMap((needed, need) => {
    if (needed <= 0) return [];
    const terms = columns.flatMap(({ yieldsMilli, stepW }, i) => {
      const milli = yieldsMilli[need]!;
      return milli > 0 ? [term((milli * stepW) / 1e6, `k${i}`)] : [];
    });
    return [`need${need}: ${sum(terms)} >= ${decimal(needed / 1e6 + MARGIN_KW)}`];
  });
  const limits = partyMaxW.flatMap((maxW, party) => {
    if (!Number.isFinite(maxW)) return [];
    const terms = columns.flatMap((column, i) => (column.party === party ? [term(column.stepW / 1e3, `k${i}`)] : []));
    return terms.length > 0 ? [`p${party}: ${sum(terms)} <= ${decimal(maxW / 1e3)}`] : [];
  });
  const byBlock = blockMaxW.map((): string[] => []);
  for (const [i, { block, stepW }] of columns.entries()) byBlock[block]!.push(term(stepW / 1e3, `k${i}`));
  const shared = byBlock.flatMap((terms, block) =>
    terms.length > 1 ? [`o${block}: ${sum(terms)} <= ${decimal(blockMaxW[block]! / 1e3)}`] : [],
  );
  return [
    'Minimize',
    `cost: ${sum(cost)}`,
    'Subject To',
    ...needs,
    ...limits,
    ...shared,
    ...choices.flatMap((i) => [
      `l${i}: k${i} - ${decimal(least[i]!)} b${i} >= 0`,
      `u${i}: k${i} - ${decimal(most[i]!)} b${i} <= 0`,
    ]),
    'Bounds',
    ...columns.map((_, i) => `0 <= k${i} <= ${decimal(most[i]!)}`),
    'General',
    lines(columns.map((_, i) => `k${i}`)),
    ...(choices.length > 0 ? ['Binary', lines(choices.map((i) => `b${i}`))] : []),
    'End',
    '',
  ].join('\n');
}

/** Watts of each column from the solver's values of its variables. */
export function wattsOf(columns: readonly Pick<JointColumn, 'stepW'>[], steps: (variable: string) => number): number[] {
  return columns.map(({ stepW }, i) => Math.round(steps(`k${i}`)) * stepW);
}

function term(factor: number, variable: string): string {
  return `${decimal(factor)} ${variable}`;
}

function sum(terms: readonly string[]): string {
  const parts: string[] = [];
  for (let i = 0; i < terms.length; i += TERMS) parts.push(terms.slice(i, i + TERMS).join(' + '));
  return parts.join('\n + ');
}

function lines(names: readonly string[]): string {
  const parts: string[] = [];
  for (let i = 0; i < names.length; i += TERMS) parts.push(names.slice(i, i + TERMS).join(' '));
  return parts.join('\n');
}

/** Never in exponents, which the format reads as names. */
function decimal(value: number): string {
  return Number(value.toFixed(9))
    .toFixed(9)
    .replace(/\.?0+$/, '');
}
