/** The cover as a mixed-integer program in the LP format of CPLEX, which solvers read. */
import { type CoverProblem, leastLevel } from './cover.ts';

/** So that rounding in the solver does not leave the need a milliwatt short. */
const MARGIN_KW = 1e-6;
/** Terms of a sum on one line: the format bounds the length of lines. */
const TERMS = 8;

/** Variables: `k…` steps taken of a block, `b…` whether it is taken at all where it has a minimum above one step. */
export function programOf({ blocks, neededMilliW, partyMaxW }: CoverProblem): string {
  const most = blocks.map(({ maximumW, stepW }) => maximumW / stepW);
  const least = blocks.map((block) => leastLevel(block) / block.stepW);
  const choices = blocks.flatMap((_, i) => (least[i]! > 1 ? [i] : []));
  const cost = blocks.map(({ unitCost, stepW }, i) => term((unitCost / 1e5) * (stepW / 1e3), `k${i}`));
  const relief = blocks.map(({ yieldMilli, stepW }, i) => term((yieldMilli * stepW) / 1e6, `k${i}`));
  const limits = partyMaxW.flatMap((maxW, party) => {
    if (!Number.isFinite(maxW)) return [];
    const terms = blocks.flatMap((block, i) => (block.party === party ? [term(block.stepW / 1e3, `k${i}`)] : []));
    return terms.length > 0 ? [`p${party}: ${sum(terms)} <= ${decimal(maxW / 1e3)}`] : [];
  });
  return [
    'Minimize',
    `cost: ${sum(cost)}`,
    'Subject To',
    `need: ${sum(relief)} >= ${decimal(neededMilliW / 1e6 + MARGIN_KW)}`,
    ...limits,
    ...choices.flatMap((i) => [
      `l${i}: k${i} - ${decimal(least[i]!)} b${i} >= 0`,
      `u${i}: k${i} - ${decimal(most[i]!)} b${i} <= 0`,
    ]),
    'Bounds',
    ...blocks.map((_, i) => `0 <= k${i} <= ${decimal(most[i]!)}`),
    'General',
    lines(blocks.map((_, i) => `k${i}`)),
    ...(choices.length > 0 ? ['Binary', lines(choices.map((i) => `b${i}`))] : []),
    'End',
    '',
  ].join('\n');
}

/** Watts of each block from the solver's values of its variables. */
export function wattsOf({ blocks }: CoverProblem, steps: (variable: string) => number): number[] {
  return blocks.map(({ stepW }, i) => Math.round(steps(`k${i}`)) * stepW);
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
