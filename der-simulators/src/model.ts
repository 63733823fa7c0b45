/** What a simulated device is: the words the rooms share. Powers are kW at the device's meter, import positive. */
export type DerType = 'battery' | 'ev-charger' | 'heat-pump';

/**
 * How a device answers commands.
 * `slow` answers below the deadline, `late` after it, `silent` neither answers nor acts, `refusing` and `opted-out` say no,
 * `offline` is never connected or drops away, `dropout` accepts and stops delivering in mid event, `weak` delivers a part.
 */
export type Behaviour =
  | 'normal'
  | 'slow'
  | 'late'
  | 'silent'
  | 'refusing'
  | 'opted-out'
  | 'offline'
  | 'dropout'
  | 'weak';

export interface BatteryParams {
  readonly kind: 'battery';
  readonly capacityKwh: number;
  /** Share of energy that comes back, 0 to 1. */
  readonly roundTrip: number;
  /** Share of the capacity that is never discharged. */
  readonly reserve: number;
  readonly maxImportKw: number;
  /** Discharge limit at the meter: 3.68 kW per phase under G98. */
  readonly maxExportKw: number;
  /** Seconds from rest to full power. */
  readonly rampS: number;
  /** Night charging starts at this hour (UTC) with this power. */
  readonly chargeFromHour: number;
  readonly chargeKw: number;
  /** Household load the battery covers in the evening. */
  readonly eveningKw: number;
}

export interface EvParams {
  readonly kind: 'ev-charger';
  readonly phases: 1 | 3;
  readonly ratedKw: number;
  /** 6 A per phase: below it a charger can only pause. */
  readonly minimumKw: number;
  /** Mean hour of arrival (UTC) and mean energy of a session. */
  readonly arrivalHour: number;
  readonly sessionKwh: number;
  /** Share of the days on which a car is plugged in. */
  readonly plugInRate: number;
  /** SI 2021/1467: up to 600 s of random delay on a rate change; false for response services. */
  readonly randomDelay: boolean;
}

export interface HeatPumpParams {
  readonly kind: 'heat-pump';
  readonly ratedKw: number;
  /** Lowest electrical power the compressor modulates to. */
  readonly minimumKw: number;
  readonly cop: number;
  /** Thermal resistance, K per kW, and capacity, kWh per K, of the building. */
  readonly resistance: number;
  readonly capacitance: number;
  /** Heat from people and appliances, kW. */
  readonly gainsKw: number;
  readonly comfortC: number;
  readonly minimumOnS: number;
  readonly minimumOffS: number;
}

export type DerParams = BatteryParams | EvParams | HeatPumpParams;

export interface DerManifest {
  readonly derId: string;
  readonly aggregatorId: string;
  readonly feederId: string;
  readonly type: DerType;
  readonly params: DerParams;
  readonly behaviour: Behaviour;
  /** 13 digits, pseudonymous: distributor 99 does not exist. */
  readonly importMsid: string;
  readonly exportMsid: string | null;
  readonly ratedKw: number;
  /** Essential or medical load: enrolled, never dispatched. */
  readonly essential: boolean;
  /** Half-open interval of grid time in which the customer's consent holds. */
  readonly consent: { readonly validFromMs: number; readonly validUntilMs: number };
}

/** Why a device cannot follow its setpoint, as it says in FAILED. */
export type Unable = 'RESERVE_REACHED' | 'FULL' | 'COMFORT_LIMIT' | 'DEPARTURE_NEAR';

/** One step of physics: energy is signed (import positive) over the step, power that at its end. */
export interface Stepped<State> {
  readonly state: State;
  readonly powerKw: number;
  readonly energyKwh: number;
  /** Present when the setpoint was not followed because the device must not. */
  readonly unable?: Unable;
}

/** Availability is promised for this long. */
export const SUSTAINED_H = 0.5;

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** Hour of the UTC day, 0 to below 24. */
export function hourOf(atMs: number): number {
  return (atMs % DAY_MS) / HOUR_MS;
}

/** Number of the UTC day since the epoch. */
export function dayOf(atMs: number): number {
  return Math.floor(atMs / DAY_MS);
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
