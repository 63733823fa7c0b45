import { validateDevice } from '@flexder/schemas/validators.ts';
import { expect } from 'chai';
import { commandOf, meterValuesOf, statusOf } from './words.ts';

const schedule = {
  startSchedule: '2026-01-15T17:00:00.000Z',
  duration: 1_800,
  chargingRateUnit: 'A',
  chargingSchedulePeriod: [{ startPeriod: 0, limit: 10, numberPhases: 3 }],
};

describe('a simulated charge point', () => {
  it('reads a profile of either version as the same command', () => {
    const one = commandOf('ev-1', 0, 'SetChargingProfile', {
      csChargingProfiles: { chargingProfileId: 7, chargingSchedule: schedule },
    });
    expect(one).to.include({ type: 'IMPORT_CAPACITY_LIMIT', target_kw: 6.9, stop_at: '2026-01-15T17:30:00.000Z' });
    expect(validateDevice('cmd', one).valid).to.equal(true);
    const other = commandOf('ev-1', 0, 'SetChargingProfile', {
      chargingProfile: { id: 7, chargingSchedule: [schedule] },
    });
    expect(other).to.deep.equal(one);
    const watts = { ...schedule, chargingRateUnit: 'W', chargingSchedulePeriod: [{ startPeriod: 0, limit: 2_300 }] };
    expect(
      commandOf('ev-1', 1, 'SetChargingProfile', { chargingProfile: { id: 8, chargingSchedule: [watts] } }).target_kw,
    ).to.equal(2.3);
  });

  it('lets go of the order whose profile is cleared', () => {
    const release = commandOf('ev-1', 3, 'ClearChargingProfile', { chargingProfileId: 7 });
    expect(release).to.include({ type: 'RELEASE', order_id: 'profile-7' });
    expect(validateDevice('cmd', release).valid).to.equal(true);
  });

  it('answers once: what begins and ends is no answer', () => {
    const status = (result: string) => statusOf({ result } as never);
    expect(['ACCEPTED', 'REJECTED', 'OPTED_OUT', 'STARTED'].map(status)).to.deep.equal([
      'Accepted',
      'Rejected',
      'Rejected',
      undefined,
    ]);
  });

  it('measures as text in 1.6 and in numbers in 2.0.1', () => {
    const telemetry = { ts: '2026-01-15T17:00:00.000Z', power_kw: 7.36, import_kwh: 12.5 } as never;
    expect(JSON.stringify(meterValuesOf('ocpp1.6', telemetry)))
      .to.contain('"value":"7360.0"')
      .and.contain('connectorId');
    expect(JSON.stringify(meterValuesOf('ocpp2.0.1', telemetry)))
      .to.contain('"value":12500')
      .and.contain('evseId');
  });
});
