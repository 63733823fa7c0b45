import { clamp, type HeatPumpParams, hourOf, type Stepped, SUSTAINED_H } from '../model.ts';

export interface HeatPumpState {
  /** Room temperature. */
  readonly roomC: number;
  readonly on: boolean;
  /** Seconds in the present on or off state. */
  readonly sinceS: number;
  readonly powerKw: number;
}

/** Rooms stay within this of the comfort temperature: a limit is not obeyed below it. */
export const COMFORT_BAND_K = 1;
/** Proportional gain of the room controller, electrical kW per K. */
const GAIN_KW_PER_K = 1.5;
/** The compressor stops when less than this share of its lowest power is wanted. */
const STOP_SHARE = 0.6;
/** People at home in the evening want it a little warmer. */
const EVENING_RAISE_K = 0.4;

function targetC(params: HeatPumpParams, atMs: number): number {
  const hour = hourOf(atMs);
  return params.comfortC + (hour >= 15.5 && hour < 21.5 ? EVENING_RAISE_K : 0);
}

/** Electrical power that would hold `targetC`, plus what brings the room back to it: hence the rebound after a release. */
function wantedKw(state: HeatPumpState, params: HeatPumpParams, atMs: number, outdoorC: number): number {
  const target = targetC(params, atMs);
  const holding = ((target - outdoorC) / params.resistance - params.gainsKw) / params.cop;
  return clamp(holding + GAIN_KW_PER_K * (target - state.roomC), 0, params.ratedKw);
}

/** The compressor keeps its least on and off times whatever is asked of it. */
function compressor(state: HeatPumpState, params: HeatPumpParams, wanted: number): { on: boolean; powerKw: number } {
  if (state.on) {
    const stops = wanted < params.minimumKw * STOP_SHARE && state.sinceS >= params.minimumOnS;
    return stops ? { on: false, powerKw: 0 } : { on: true, powerKw: Math.max(params.minimumKw, wanted) };
  }
  const starts = wanted >= params.minimumKw && state.sinceS >= params.minimumOffS;
  return starts ? { on: true, powerKw: wanted } : { on: false, powerKw: 0 };
}

/** Room temperature after `seconds` at `powerKw`: C·dT/dt = (Tout − T)/R + COP·P + gains, solved exactly. */
function roomAfter(params: HeatPumpParams, roomC: number, powerKw: number, outdoorC: number, seconds: number): number {
  const settled = outdoorC + params.resistance * (params.cop * powerKw + params.gainsKw);
  return settled + (roomC - settled) * Math.exp(-seconds / 3600 / (params.resistance * params.capacitance));
}

/**
 * One step of a heat pump and its building (1R1C). `setpointKw` limits the electrical power; below the lowest power
 * the compressor stops. When the room is 1 K below comfort the limit is not obeyed any longer.
 */
export function stepHeatPump(
  state: HeatPumpState,
  params: HeatPumpParams,
  step: {
    readonly atMs: number;
    readonly seconds: number;
    readonly setpointKw: number | null;
    readonly outdoorC: number;
  },
): Stepped<HeatPumpState> {
  const cold = state.roomC <= params.comfortC - COMFORT_BAND_K;
  const free = wantedKw(state, params, step.atMs, step.outdoorC);
  const limited = step.setpointKw !== null && step.setpointKw < free;
  const limit = limited && !cold ? (step.setpointKw ?? 0) : params.ratedKw;
  const wanted = limit < params.minimumKw ? 0 : Math.min(free, limit);
  const { on, powerKw } = compressor(state, params, wanted);
  const roomC = roomAfter(params, state.roomC, powerKw, step.outdoorC, step.seconds);
  const sinceS = (on === state.on ? state.sinceS : 0) + step.seconds;
  const energyKwh = (powerKw * step.seconds) / 3600;
  const stepped = { state: { roomC, on, sinceS, powerKw }, powerKw, energyKwh };
  return limited && cold ? { ...stepped, unable: 'COMFORT_LIMIT' } : stepped;
}

/** kW that stopping the compressor sheds for half an hour; 0 when it must run on or the room could not spare it. */
export function heatPumpAvailableDownKw(state: HeatPumpState, params: HeatPumpParams, outdoorC: number): number {
  if (!state.on || state.sinceS < params.minimumOnS) return 0;
  const coldest = roomAfter(params, state.roomC, 0, outdoorC, SUSTAINED_H * 3600);
  return coldest > params.comfortC - COMFORT_BAND_K ? state.powerKw : 0;
}
