/** What of a feeder is worth a sign on a map, and which names there is room for. Pure. */
import type { Level } from '@flexder/runtime/page/parts.tsx';
import type { FeederView } from '../../src/operator-api/deps.ts';
import { ageOf, levelOf, STALE_MS, timeToLimitMs } from '../state/derive.ts';
import type { Point } from './geo.ts';

export interface Sign {
  /** For colour and shape. */
  readonly level: Level;
  /** One letter that stands in the shape; empty when nothing is unusual. */
  readonly letter: '' | 'O' | 'N' | 'F' | '?';
  readonly words: string;
}

export function signOf(feeder: FeederView | undefined, gridMs: number): Sign {
  if (!feeder) return { level: 'unknown', letter: '?', words: 'not watched' };
  const level = levelOf(feeder);
  const ageMs = ageOf(feeder, gridMs);
  // Whatever its age: that it was over its limit is the last that is known.
  if (level === 'over') return { level, letter: 'O', words: 'over its limit' };
  if (level === 'unknown' || ageMs === null) return { level: 'unknown', letter: '?', words: 'no reading' };
  if (ageMs > STALE_MS) return { level: 'unknown', letter: '?', words: 'reading is old' };
  if (level === 'watch') return { level, letter: 'N', words: 'near its limit' };
  if (timeToLimitMs(feeder, gridMs) !== null)
    return { level: 'watch', letter: 'F', words: 'forecast to reach its limit' };
  return { level: 'normal', letter: '', words: 'below its limit' };
}

const ORDER: readonly Sign['letter'][] = ['O', 'N', 'F', '?', ''];

/** Those that need a look first, events before others of their kind. */
export function rankOf({ letter }: Sign, hasEvent: boolean): number {
  return ORDER.indexOf(letter) - (hasEvent ? 0.5 : 0);
}

const NAME_WIDTH_PX = 130;
const NAME_HEIGHT_PX = 34;
/** Names drawn at once; more would be read by nobody. */
const NAMES = 120;

export interface Nameable extends Point {
  readonly id: string;
  /** Named also where it covers another's mark. */
  readonly needed: boolean;
}

/** Whose names are drawn, in the order given: one that would cover another's name or mark is left out. */
export function named(spots: readonly Nameable[]): ReadonlySet<string> {
  const taken: Nameable[] = [];
  const ids = new Set<string>();
  for (const spot of spots) {
    if (taken.length >= NAMES) break;
    const near = (one: Point) => Math.abs(one.y - spot.y) < NAME_HEIGHT_PX;
    if (taken.some((one) => near(one) && Math.abs(one.x - spot.x) < NAME_WIDTH_PX)) continue;
    const covers = (one: Nameable) => one !== spot && near(one) && one.x >= spot.x && one.x < spot.x + NAME_WIDTH_PX;
    if (!spot.needed && spots.some(covers)) continue;
    taken.push(spot);
    ids.add(spot.id);
  }
  return ids;
}
