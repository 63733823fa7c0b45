import type { DeviceCommand } from '@flexder/schemas/types.ts';
import { expect } from 'chai';
import { type Answer, type Commanded, execute } from './commands.ts';
import { type Limit, limitOf, limitOfCommand, phasesOf, profileIdOf, setProfile } from './profile.ts';

const START = Date.UTC(2026, 0, 15, 17);
const command: DeviceCommand = {
  v: 1,
  command_id: 'c-1',
  der_id: 'ev-1',
  sequence: 4,
  type: 'IMPORT_CAPACITY_LIMIT',
  order_id: 'o-1',
  obp_id: 'obp-1',
  event_id: 'event-1',
  target_kw: 1.5,
  start_at: new Date(START).toISOString(),
  stop_at: new Date(START + 1_800_000).toISOString(),
  valid_until: new Date(START + 15_000).toISOString(),
  release_delay_s: 70,
  issued_at: new Date(START).toISOString(),
};
const release: DeviceCommand = { ...command, type: 'RELEASE', sequence: 5, target_kw: 0, release_delay_s: 0 };

describe('a command as a charging profile', () => {
  it('limits by current of each phase or by power, never above what was asked, and pauses below 6 A', () => {
    expect(limitOf(7.36, 1, 'A')).to.equal(32);
    expect(limitOf(1.38, 1, 'A')).to.equal(6);
    expect(limitOf(1.379, 1, 'A')).to.equal(0);
    expect(limitOf(4.14, 3, 'A')).to.equal(6);
    expect(limitOf(4.13, 3, 'W')).to.equal(0);
    expect(limitOf(11, 3, 'A')).to.equal(15.9);
    expect(limitOf(2.34567, 1, 'W')).to.equal(2345.6);
    expect(limitOf(0, 1, 'A')).to.equal(0);
  });

  it('a charger above 40 A has three phases', () => {
    expect([3.68, 7.36, 9.2, 11.04, 22].map(phasesOf)).to.deep.equal([1, 1, 1, 3, 3]);
  });

  it('ends by itself, after the delay of the device', () => {
    const limit = limitOfCommand(command);
    expect(limit).to.deep.equal({ kw: 1.5, startMs: START, endMs: START + 1_870_000 });
    const plan = { ...limit, profileId: profileIdOf(7), phases: 1 as const, unit: 'A' as const };
    expect(setProfile('ocpp1.6', plan)).to.deep.equal({
      connectorId: 0,
      csChargingProfiles: {
        chargingProfileId: 1_000_007,
        stackLevel: 1,
        chargingProfilePurpose: 'ChargePointMaxProfile',
        chargingProfileKind: 'Absolute',
        validFrom: '2026-01-15T17:00:00.000Z',
        validTo: '2026-01-15T17:31:10.000Z',
        chargingSchedule: {
          startSchedule: '2026-01-15T17:00:00.000Z',
          duration: 1_870,
          chargingRateUnit: 'A',
          chargingSchedulePeriod: [{ startPeriod: 0, limit: 6.5, numberPhases: 1 }],
        },
      },
    });
    expect(
      setProfile('ocpp2.0.1', { ...plan, unit: 'W', transaction: { connectorId: 2, transactionId: 't' } }),
    ).to.deep.equal({
      evseId: 2,
      chargingProfile: {
        id: 1_000_007,
        transactionId: 't',
        stackLevel: 1,
        chargingProfilePurpose: 'TxProfile',
        chargingProfileKind: 'Absolute',
        validFrom: '2026-01-15T17:00:00.000Z',
        validTo: '2026-01-15T17:31:10.000Z',
        chargingSchedule: [
          {
            id: 1_000_007,
            startSchedule: '2026-01-15T17:00:00.000Z',
            duration: 1_870,
            chargingRateUnit: 'W',
            chargingSchedulePeriod: [{ startPeriod: 0, limit: 1_500, numberPhases: 1 }],
          },
        ],
      },
    });
  });
});

describe('the answers of a charge point', () => {
  const station = (answers: (Answer | undefined)[], change: Partial<Commanded> = {}) => {
    const calls: [string, object][] = [];
    const to: Commanded = {
      version: 'ocpp2.0.1',
      phases: 1,
      unit: 'A',
      transaction: undefined,
      limitsTransactions: false,
      held: new Map<number, Limit>(),
      call: async (method, params) => {
        calls.push([method, params]);
        return answers.shift();
      },
      activationOf: async () => undefined,
      nowMs: () => START + 60_000,
      ...change,
    };
    return { to, calls };
  };

  it('each is one answer of the device contract; none is silence', async () => {
    const outcome = (answer: Answer | undefined) => execute(station([answer]).to, 7, command);
    expect(await outcome({ status: 'Accepted' })).to.deep.equal({ result: 'ACCEPTED' });
    expect(await outcome({ status: 'Rejected' })).to.deep.equal({ result: 'REJECTED', reason: 'Rejected' });
    expect(await outcome({ status: 'NotSupported' })).to.deep.equal({ result: 'REJECTED', reason: 'NotSupported' });
    expect(await outcome({ status: 'Rejected', statusInfo: { reasonCode: 'No\nPower' } })).to.deep.equal({
      result: 'REJECTED',
      reason: 'Rejected: No Power',
    });
    expect(await outcome(undefined)).to.equal(undefined);
  });

  it('one that takes no limit for the whole of it gets it for its transaction, and for the next at once', async () => {
    const transaction = { connectorId: 1, transactionId: 12 };
    const { to, calls } = station([{ status: 'NotSupported' }, { status: 'Accepted' }, { status: 'Accepted' }], {
      version: 'ocpp1.6',
      transaction,
    });
    expect(await execute(to, 7, command)).to.deep.equal({ result: 'ACCEPTED' });
    await execute(to, 8, command);
    expect(calls.map(([, params]) => (params as { connectorId: number }).connectorId)).to.deep.equal([0, 1, 1]);
  });

  it('the profile of an order that ends makes room for the next', async () => {
    const { to, calls } = station([
      { status: 'Rejected', statusInfo: { reasonCode: 'DuplicateProfile' } },
      { status: 'Accepted' },
      { status: 'Accepted' },
    ]);
    expect(await execute(to, 7, command)).to.deep.equal({ result: 'ACCEPTED' });
    expect(calls.map(([method]) => method)).to.deep.equal([
      'SetChargingProfile',
      'ClearChargingProfile',
      'SetChargingProfile',
    ]);
  });

  it('a release clears; one with a delay shortens what is held, and clears when that is refused', async () => {
    const now = station([{ status: 'Unknown' }]);
    expect(await execute(now.to, 7, release)).to.deep.equal({ result: 'ACCEPTED' });
    expect(now.calls).to.deep.equal([['ClearChargingProfile', { chargingProfileId: 1_000_007 }]]);

    const held = limitOfCommand(command);
    const later = station([{ status: 'Accepted' }], { activationOf: async () => held });
    await execute(later.to, 7, { ...release, release_delay_s: 30 });
    const [[, params] = []] = later.calls as [string, { chargingProfile: { id: number; validTo: string } }][];
    expect(params?.chargingProfile).to.include({ id: 1_000_007, validTo: '2026-01-15T17:01:30.000Z' });

    const refused = station([{ status: 'Rejected' }, { status: 'Accepted' }], { activationOf: async () => held });
    expect(await execute(refused.to, 7, { ...release, release_delay_s: 30 })).to.deep.equal({ result: 'ACCEPTED' });
    expect(refused.calls.map(([method]) => method)).to.deep.equal(['SetChargingProfile', 'ClearChargingProfile']);
  });

  it('a command of another kind of device is refused here', async () => {
    const { to, calls } = station([]);
    expect(await execute(to, 7, { ...command, type: 'DISPATCH_SETPOINT' })).to.include({ result: 'REJECTED' });
    expect(calls).to.deep.equal([]);
  });
});
