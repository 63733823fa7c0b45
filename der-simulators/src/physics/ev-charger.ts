import { seededRandom } from '@flexder/runtime/random.ts';
import { clamp, DAY_MS, dayOf, type EvParams, HOUR_MS, type Stepped, SUSTAINED_H } from '../model.ts';
import { dailyValues } from './weather.ts';

/** A car at the charger: energy needed by departure. */
export interface EvSession {
  readonly arriveMs: number;
  readonly departMs: number;
  readonly neededKwh: number;
}

export interface EvState {
  /** The session the delivered energy belongs to; 0 before the first. */
  readonly arriveMs: number;
  readonly deliveredKwh: number;
  readonly powerKw: number;
}

/** Time a charger keeps in hand when it judges whether the car will be ready. */
const DEPARTURE_MARGIN_H = 0.5;

/** The car that is there at an instant, from the seed and the day alone; undefined when none is. */
export function seededSessions(seed: string | number, derId: string, params: EvParams) {
  const sessionOf = dailyValues((day): EvSession | null => {
    const random = seededRandom(`${seed}/${derId}/session/${day}`);
    if (!random.chance(params.plugInRate)) return null;
    const arrival = clamp(random.normal(params.arrivalHour, 0.5), 14, 21);
    return {
      arriveMs: day * DAY_MS + Math.round(arrival * 60) * 60_000,
      departMs: (day + 1) * DAY_MS + Math.round(random.between(6.5, 8.5) * 60) * 60_000,
      neededKwh: clamp(random.normal(params.sessionKwh, params.sessionKwh * 0.2), 3, 60),
    };
  });
  return (atMs: number): EvSession | undefined => {
    const today = sessionOf(dayOf(atMs));
    if (today && atMs >= today.arriveMs) return today;
    const before = sessionOf(dayOf(atMs) - 1);
    return before && atMs >= before.arriveMs && atMs < before.departMs ? before : undefined;
  };
}

function remainingKwh(state: EvState, session: EvSession): number {
  return Math.max(0, session.neededKwh - (state.arriveMs === session.arriveMs ? state.deliveredKwh : 0));
}

/** Hours that may still pass without charging before the car would leave short. */
function slackH(state: EvState, params: EvParams, session: EvSession, atMs: number): number {
  return (session.departMs - atMs) / HOUR_MS - remainingKwh(state, session) / params.ratedKw - DEPARTURE_MARGIN_H;
}

/**
 * One step of a charger: full power until the need is met, at most `setpointKw`, never between 0 and 6 A per phase.
 * A limit is not obeyed any longer when the car would leave short.
 */
export function stepEvCharger(
  state: EvState,
  params: EvParams,
  step: {
    readonly atMs: number;
    readonly seconds: number;
    readonly setpointKw: number | null;
    readonly session: EvSession | undefined;
  },
): Stepped<EvState> {
  const { session } = step;
  if (!session) return { state: { arriveMs: 0, deliveredKwh: 0, powerKw: 0 }, powerKw: 0, energyKwh: 0 };
  const remaining = remainingKwh(state, session);
  const limitKw = Math.min(params.ratedKw, step.setpointKw ?? params.ratedKw);
  const mustCharge = remaining > 0 && limitKw < params.ratedKw && slackH(state, params, session, step.atMs) <= 0;
  const allowed = mustCharge ? params.ratedKw : limitKw;
  const rate = remaining > 0 && allowed >= params.minimumKw ? allowed : 0;
  const energyKwh = Math.min((rate * step.seconds) / 3600, remaining);
  const done = remaining - energyKwh <= 1e-9;
  const powerKw = done ? 0 : rate;
  const deliveredKwh = session.neededKwh - remaining + energyKwh;
  const stepped = { state: { arriveMs: session.arriveMs, deliveredKwh, powerKw }, powerKw, energyKwh };
  return mustCharge ? { ...stepped, unable: 'DEPARTURE_NEAR' } : stepped;
}

/** kW that a pause would shed on average over the next half hour, 0 when the car could not spare it. */
export function evAvailableDownKw(
  state: EvState,
  params: EvParams,
  session: EvSession | undefined,
  atMs: number,
): number {
  if (!session || state.powerKw === 0) return 0;
  if (slackH(state, params, session, atMs) < SUSTAINED_H) return 0;
  return Math.min(state.powerKw, remainingKwh(state, session) / SUSTAINED_H);
}
