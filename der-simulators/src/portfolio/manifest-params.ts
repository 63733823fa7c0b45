import type { Random } from '@flexder/runtime/random.ts';
import type { BatteryParams, DerParams, DerType, EvParams, HeatPumpParams } from '../model.ts';

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function batteryParams(random: Random): BatteryParams {
  const maxImportKw = round(random.between(3, 5), 2);
  return {
    kind: 'battery',
    capacityKwh: round(random.between(8.5, 13.5), 1),
    roundTrip: round(random.between(0.85, 0.92), 3),
    reserve: round(random.between(0.1, 0.2), 2),
    maxImportKw,
    maxExportKw: Math.min(3.68, maxImportKw),
    rampS: round(random.between(1, 2), 1),
    chargeFromHour: round(random.between(0, 2), 2),
    chargeKw: round(random.between(1.5, 2.6), 2),
    eveningKw: round(random.between(0.2, 0.6), 2),
  };
}

function evParams(random: Random): EvParams {
  const phases = random.chance(0.2) ? 3 : 1;
  return {
    kind: 'ev-charger',
    phases,
    ratedKw: phases === 3 ? 11.04 : 7.36,
    minimumKw: phases === 3 ? 4.14 : 1.38,
    arrivalHour: round(random.between(16.25, 17.5), 2),
    sessionKwh: round(random.between(9, 15), 1),
    plugInRate: round(random.between(0.65, 0.9), 2),
    randomDelay: false,
  };
}

function heatPumpParams(random: Random): HeatPumpParams {
  const ratedKw = round(random.between(2, 3.5), 2);
  return {
    kind: 'heat-pump',
    ratedKw,
    minimumKw: round(ratedKw * 0.25, 2),
    cop: round(random.between(2.8, 3.4), 2),
    resistance: round(random.between(4, 5.5), 2),
    capacitance: round(random.between(8, 12), 1),
    gainsKw: round(random.between(0.3, 0.6), 2),
    comfortC: round(random.between(19.5, 21), 1),
    minimumOnS: 600,
    minimumOffS: random.integer(300, 600),
  };
}

/** A device of each type within the limits of its kind; figures of homes that were sold in the last years. */
export const PARAMS_OF: Record<DerType, (random: Random) => DerParams> = {
  battery: batteryParams,
  'ev-charger': evParams,
  'heat-pump': heatPumpParams,
};
