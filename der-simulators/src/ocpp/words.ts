/** The device contract in the words of OCPP, as a simulated charge point has them: pure. */
import type { DeviceAck, DeviceCommand, DeviceTelemetry } from '@flexder/schemas/types.ts';

export type Version = 'ocpp1.6' | 'ocpp2.0.1';

const PHASE_V = 230;

interface Schedule {
  readonly startSchedule: string;
  readonly duration: number;
  readonly chargingRateUnit: 'A' | 'W';
  readonly chargingSchedulePeriod: readonly { readonly limit: number; readonly numberPhases?: number }[];
}

interface Profile {
  readonly id?: number;
  readonly chargingProfileId?: number;
  readonly chargingSchedule: Schedule | readonly Schedule[];
}

/** SetChargingProfile or ClearChargingProfile as the command that a simulated body obeys. */
export function commandOf(derId: string, sequence: number, method: string, params: unknown): DeviceCommand {
  const given = params as Record<string, unknown>;
  const base = { v: 1, der_id: derId, sequence, obp_id: 'ocpp', event_id: 'ocpp', release_delay_s: 0 } as const;
  if (method === 'ClearChargingProfile') {
    const id = given.id ?? given.chargingProfileId ?? 0;
    const at = '1970-01-01T00:00:00.000Z';
    const times = { start_at: at, stop_at: at, valid_until: '9999-12-31T23:59:59.000Z', issued_at: at };
    const command = { command_id: `clear-${id}-${sequence}`, order_id: `profile-${id}`, target_kw: 0 };
    return { ...base, ...times, ...command, type: 'RELEASE' };
  }
  const profile = (given.csChargingProfiles ?? given.chargingProfile) as Profile;
  const schedule = [profile.chargingSchedule].flat()[0] as Schedule;
  const id = profile.chargingProfileId ?? profile.id ?? 0;
  const stopAt = new Date(Date.parse(schedule.startSchedule) + schedule.duration * 1000).toISOString();
  const { limit = 0, numberPhases = 1 } = schedule.chargingSchedulePeriod[0] ?? {};
  return {
    ...base,
    // The same profile again is the same command; one with another end is another.
    command_id: `profile-${id}-${Date.parse(stopAt)}`,
    order_id: `profile-${id}`,
    type: 'IMPORT_CAPACITY_LIMIT',
    target_kw: (schedule.chargingRateUnit === 'A' ? limit * PHASE_V * numberPhases : limit) / 1000,
    start_at: schedule.startSchedule,
    stop_at: stopAt,
    valid_until: stopAt,
    issued_at: schedule.startSchedule,
  };
}

/** Undefined for what is no answer: that a limit began or ended is not told in OCPP. */
export function statusOf({ result }: DeviceAck): 'Accepted' | 'Rejected' | undefined {
  if (result === 'ACCEPTED') return 'Accepted';
  return result === 'STARTED' || result === 'COMPLETED' || result === 'FAILED' ? undefined : 'Rejected';
}

export function meterValuesOf(version: Version, { ts, power_kw, import_kwh }: DeviceTelemetry): object {
  const wh = { measurand: 'Energy.Active.Import.Register', value: import_kwh * 1000 };
  const watts = { measurand: 'Power.Active.Import', value: power_kw * 1000 };
  if (version === 'ocpp2.0.1') return { evseId: 1, meterValue: [{ timestamp: ts, sampledValue: [watts, wh] }] };
  const text = [watts, wh].map(({ measurand, value }) => ({ measurand, value: value.toFixed(1) }));
  return { connectorId: 1, meterValue: [{ timestamp: ts, sampledValue: text }] };
}

export function bootOf(version: Version): object {
  return version === 'ocpp2.0.1'
    ? { reason: 'PowerUp', chargingStation: { vendorName: 'FlexDER', model: 'simulated' } }
    : { chargePointVendor: 'FlexDER', chargePointModel: 'simulated' };
}
