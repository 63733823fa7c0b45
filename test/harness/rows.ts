/** Tables of attacks, and how each row is run. */
import type { Scenario } from '@flexder/protocol/beckn/inbound.fixture.ts';
import { ROWS } from '@flexder/protocol/beckn/inbound-rows.fixture.ts';
import { isThorough } from '@flexder/runtime/testing/thorough.ts';
import { type Arena, expectRefusal, type Refusal, sendScenario, type Target } from './arena.ts';
import type { WireRequest } from './wire.ts';

export interface AttackRow {
  readonly id: string;
  readonly name: string;
  /** Targets the row makes sense for; all by default. */
  readonly at?: readonly Target['type'][];
  /** The one change, before signing or (`tamper`) after. */
  readonly mutate?: (baseline: Scenario, target: Target) => void;
  /** The one change on the wire. */
  readonly wire?: (baseline: Scenario) => Partial<WireRequest>;
  readonly expect: Refusal;
}

/**
 * The rows of the pipeline that need nothing but the message: those of a family, but for the ones that turn a clock, a
 * registry or a bound which are real here, and for those whose target is the other side.
 */
export function pipelineRows(family: string, without: readonly string[], at?: AttackRow['at']): AttackRow[] {
  const wanted = ROWS.filter(({ name }) => name.startsWith(family) && !without.some((part) => name.includes(part)));
  if (wanted.length === 0) throw new Error(`there are no rows ${family}`);
  return wanted.map(({ name, change, expect }) => {
    const [id = '', ...rest] = name.split(' ');
    return { id, name: rest.join(' '), at, mutate: (baseline) => change(baseline), expect };
  });
}

const TYPES: readonly Target['type'][] = ['BPP', 'BAP', 'BG'];

const targetOf = ({ bpp, bap, bg }: Arena, type: Target['type']): Target => ({ BPP: bpp, BAP: bap, BG: bg })[type];

/** One test a row and target; where the run is to be short each row has one of its targets, in turn. */
export function attack(arena: () => Arena, rows: readonly AttackRow[]): void {
  for (const [index, { id, name, at = TYPES, mutate, wire, expect }] of rows.entries()) {
    for (const type of isThorough() ? at : [at[index % at.length]!]) {
      it(`${id} ${name}, at the ${type}: ${expect.status} ${expect.code} (${expect.reason})`, async () => {
        const target = targetOf(arena(), type);
        await expectRefusal(arena(), target, expect, () => {
          const baseline = target.baseline();
          mutate?.(baseline, target);
          return sendScenario(target, baseline, wire?.(baseline));
        });
      });
    }
  }
}
