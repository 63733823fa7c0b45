/** A device command as a charging profile: pure, for both versions of OCPP. */
import type { DeviceCommand } from '@flexder/schemas/types.ts';

export type RateUnit = 'A' | 'W';
export type Version = 'ocpp1.6' | 'ocpp2.0.1';

/** Current below which IEC 61851 knows no charging, per phase: what is less is a pause. */
const LEAST_A = 6;
const PHASE_V = 230;
/** The largest single-phase charger there is draws 40 A; what is rated above it has three phases. */
const MOST_ONE_PHASE_KW = (40 * PHASE_V) / 1000;

/**
 * Above 0, which is where an installer's own lasting limits lie: within a purpose the highest level holds, and when it
 * ends the one below holds again.
 */
export const STACK_LEVEL = 1;
/** Away from the small numbers that other tools give their profiles. */
const FIRST_PROFILE_ID = 1_000_000;

/** The same whenever the order is sent again, so that the profile replaces itself. */
export const profileIdOf = (orderNo: number) => FIRST_PROFILE_ID + orderNo;

export function phasesOf(ratedKw: number): 1 | 3 {
  return ratedKw > MOST_ONE_PHASE_KW + 0.05 ? 3 : 1;
}

/** `kw` as a limit with one decimal, in A per phase or W together, never above what was asked; 0 pauses. */
export function limitOf(kw: number, phases: 1 | 3, unit: RateUnit): number {
  const amperes = (kw * 1000) / (PHASE_V * phases);
  // Multiplied by ten, 6 A times 230 V comes back a hair below 60.
  const down = (value: number) => Math.floor(value * 10 + 1e-6) / 10;
  if (down(amperes) < LEAST_A) return 0;
  return unit === 'A' ? down(amperes) : down(kw * 1000);
}

export interface Limit {
  readonly kw: number;
  readonly startMs: number;
  /** The charge point returns by itself here. */
  readonly endMs: number;
}

/** The limit of an activation: its window, and the device's own delay before it returns. */
export function limitOfCommand(command: DeviceCommand): Limit {
  const endMs = Date.parse(command.stop_at) + command.release_delay_s * 1000;
  return { kw: command.target_kw, startMs: Date.parse(command.start_at), endMs };
}

/** The one transaction that runs, for charge points that take no limit for the whole of them. */
export interface Transaction {
  readonly connectorId: number;
  readonly transactionId: number | string;
}

export interface ProfilePlan extends Limit {
  readonly profileId: number;
  readonly phases: 1 | 3;
  readonly unit: RateUnit;
  /** Limits this transaction instead of the whole charge point. */
  readonly transaction?: Transaction;
}

/** SetChargingProfile: absolute, from the start of the window to its end and no longer. */
export function setProfile(version: Version, plan: ProfilePlan) {
  const { startMs, endMs, kw, phases, unit, transaction, profileId } = plan;
  const startAt = new Date(startMs).toISOString();
  const limit = limitOf(kw, phases, unit);
  const schedule = {
    startSchedule: startAt,
    duration: Math.max(1, Math.ceil((endMs - startMs) / 1000)),
    chargingRateUnit: unit,
    chargingSchedulePeriod: [{ startPeriod: 0, limit, numberPhases: phases }],
  };
  const common = {
    stackLevel: STACK_LEVEL,
    chargingProfileKind: 'Absolute',
    validFrom: startAt,
    validTo: new Date(Math.max(endMs, startMs + 1000)).toISOString(),
  };
  if (version === 'ocpp1.6')
    return {
      connectorId: transaction?.connectorId ?? 0,
      csChargingProfiles: {
        ...common,
        chargingProfileId: profileId,
        ...(transaction && { transactionId: transaction.transactionId }),
        chargingProfilePurpose: transaction ? 'TxProfile' : 'ChargePointMaxProfile',
        chargingSchedule: schedule,
      },
    };
  // ChargingStationExternalConstraints is what a station reports of others' limits; a CSMS must not set it (K01.FR.22).
  return {
    evseId: transaction?.connectorId ?? 0,
    chargingProfile: {
      ...common,
      id: profileId,
      ...(transaction && { transactionId: String(transaction.transactionId) }),
      chargingProfilePurpose: transaction ? 'TxProfile' : 'ChargingStationMaxProfile',
      chargingSchedule: [{ id: profileId, ...schedule }],
    },
  };
}

/** ClearChargingProfile of one order. */
export function clearProfile(version: Version, profileId: number) {
  return version === 'ocpp1.6' ? { id: profileId } : { chargingProfileId: profileId };
}

/** ClearChargingProfile of whatever of ours limits the whole station: 2.0.1 takes no second profile of one level. */
export function clearOurs() {
  const chargingProfilePurpose = 'ChargingStationMaxProfile';
  return { chargingProfileCriteria: { evseId: 0, chargingProfilePurpose, stackLevel: STACK_LEVEL } };
}
