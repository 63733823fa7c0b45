import { type BatteryParams, clamp, HOUR_MS, hourOf, type Stepped, SUSTAINED_H } from '../model.ts';

export interface BatteryState {
  /** State of charge, 0 to 1. */
  readonly soc: number;
  readonly powerKw: number;
}

const EVENING_FROM_HOUR = 16;
const EVENING_UNTIL_HOUR = 22;
const CHARGE_HOURS = 6;
/** Night charging stops here: the last part is slow and wears the cells. */
const FULL_SOC = 0.95;

/** Charge on the cheap night rate, cover the home's load in the evening, else rest. */
function scheduledKw(params: BatteryParams, soc: number, atMs: number): number {
  const hour = hourOf(atMs);
  if (hour >= EVENING_FROM_HOUR && hour < EVENING_UNTIL_HOUR) {
    return -params.eveningKw * (1 + 0.25 * Math.sin((2 * Math.PI * atMs) / (1.5 * HOUR_MS)));
  }
  const charging = hour >= params.chargeFromHour && hour < params.chargeFromHour + CHARGE_HOURS;
  return charging && soc < FULL_SOC ? params.chargeKw : 0;
}

/** kWh at the meter down to the reserve. */
function dischargeableKwh(params: BatteryParams, soc: number): number {
  return Math.max(0, soc - params.reserve) * params.capacityKwh * Math.sqrt(params.roundTrip);
}

/** kWh at the meter up to full. */
function chargeableKwh(params: BatteryParams, soc: number): number {
  return (Math.max(0, 1 - soc) * params.capacityKwh) / Math.sqrt(params.roundTrip);
}

/**
 * One step of a home battery: power follows the setpoint (net kW, negative discharges) or the schedule within the
 * ratings and the ramp; the losses of a round trip are split evenly between the two ways.
 */
export function stepBattery(
  state: BatteryState,
  params: BatteryParams,
  step: { readonly atMs: number; readonly seconds: number; readonly setpointKw: number | null },
): Stepped<BatteryState> {
  const asked = step.setpointKw ?? scheduledKw(params, state.soc, step.atMs);
  const target = clamp(asked, -params.maxExportKw, params.maxImportKw);
  const rate = Math.max(params.maxExportKw, params.maxImportKw) / params.rampS;
  const rampS = Math.min(step.seconds, Math.abs(target - state.powerKw) / rate);
  const reached = state.powerKw + Math.sign(target - state.powerKw) * rate * rampS;
  const wantedKwh = (((state.powerKw + reached) / 2) * rampS + reached * (step.seconds - rampS)) / 3600;
  const energyKwh = clamp(
    wantedKwh,
    -dischargeableKwh(params, state.soc),
    Math.max(0, chargeableKwh(params, state.soc)),
  );
  const oneWay = Math.sqrt(params.roundTrip);
  const stored = energyKwh < 0 ? energyKwh / oneWay : energyKwh * oneWay;
  const soc = clamp(state.soc + stored / params.capacityKwh, 0, 1);
  const cut = Math.abs(energyKwh - wantedKwh) > 1e-9;
  const powerKw = cut ? 0 : reached;
  const stepped = { state: { soc, powerKw }, powerKw, energyKwh };
  if (!cut || step.setpointKw === null) return stepped;
  return { ...stepped, unable: wantedKwh < 0 ? 'RESERVE_REACHED' : 'FULL' };
}

/** kW by which the net power could fall now and stay there for half an hour. */
export function batteryAvailableDownKw(state: BatteryState, params: BatteryParams): number {
  const sustained = Math.min(params.maxExportKw, dischargeableKwh(params, state.soc) / SUSTAINED_H);
  return Math.max(0, state.powerKw + sustained);
}
