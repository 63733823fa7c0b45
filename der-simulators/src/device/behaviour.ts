import { seededRandom } from '@flexder/runtime/random.ts';
import { DEFAULT_ANSWER_DEADLINE_S } from '../limits.ts';
import type { Behaviour, DerManifest } from '../model.ts';

/** A behaviour in numbers, drawn once per device. */
export interface Temper {
  readonly behaviour: Behaviour;
  /** Grid seconds between the arrival of a command and its reading. */
  readonly readsAfterS: number;
  /** Share of the asked change that is delivered, 0 to 1. */
  readonly deliveredShare: number;
  /** Grid seconds into a hold after which delivery stops; Infinity when it never does. */
  readonly stopsAfterS: number;
  /** Grid seconds after the start of the fleet at which an offline device that was there drops away; null when it never came. */
  readonly dropsAfterS: number | null;
  /** Random delay on a rate change, s (SI 2021/1467); 0 for a response service. */
  readonly randomDelayS: number;
}

function readsAfterS(behaviour: Behaviour, fraction: number): number {
  if (behaviour === 'slow') return Math.round(DEFAULT_ANSWER_DEADLINE_S * (0.3 + 0.5 * fraction));
  if (behaviour === 'late') return Math.round(DEFAULT_ANSWER_DEADLINE_S * (1.5 + 2 * fraction));
  return 0;
}

export function temperOf(der: DerManifest, seed: string | number): Temper {
  const random = seededRandom(`${seed}/${der.derId}/temper`);
  const fraction = random.next();
  const { behaviour, params } = der;
  const drops = behaviour === 'offline' && random.chance(1 / 3);
  return {
    behaviour,
    readsAfterS: readsAfterS(behaviour, fraction),
    deliveredShare: behaviour === 'weak' ? 0.3 + 0.3 * fraction : 1,
    stopsAfterS: behaviour === 'dropout' ? Math.round(240 + 360 * fraction) : Number.POSITIVE_INFINITY,
    dropsAfterS: drops ? Math.round(1_200 + 1_800 * fraction) : null,
    randomDelayS: params.kind === 'ev-charger' && params.randomDelay ? random.integer(0, 600) : 0,
  };
}

/** The setpoint that takes effect `heldS` seconds into a hold, given what is asked and what the device drew before it. */
export function effectiveSetpoint(temper: Temper, askedKw: number, beforeKw: number, heldS: number): number | null {
  if (heldS >= temper.stopsAfterS) return null;
  return beforeKw + temper.deliveredShare * (askedKw - beforeKw);
}
