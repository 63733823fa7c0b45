import type { DeviceCommand } from '@flexder/schemas/types.ts';
import { expect } from 'chai';
import { REMEMBERED_ANSWERS } from '../limits.ts';
import type { Behaviour, DerManifest, DerType } from '../model.ts';
import { startWarmPhysics } from '../physics/physics.ts';
import { seededWeather } from '../physics/weather.ts';
import { makeFleet } from '../portfolio/manifest.ts';
import { temperOf } from './behaviour.ts';
import { createUnit, type Unit } from './unit.ts';

const T0 = Date.parse('2026-01-15T17:30:00Z');
const MINUTE = 60_000;
const iso = (ms: number) => new Date(ms).toISOString();

function device(type: DerType, behaviour: Behaviour = 'normal', randomDelay = false): { der: DerManifest; unit: Unit } {
  const mix = { battery: 0, 'ev-charger': 0, 'heat-pump': 0, [type]: 1 };
  const fleet = makeFleet({ seed: 11, ders: 40, feeders: ['f'], aggregators: [{ id: 'a', mix }], atMs: T0 });
  const weather = seededWeather(11);
  for (const made of fleet) {
    const params = made.params.kind === 'ev-charger' ? { ...made.params, randomDelay } : made.params;
    const der = { ...made, behaviour, params };
    const physics = startWarmPhysics(der, { seed: 11, atMs: T0, weather });
    // One that has something to shed for as long as the tests run.
    if (physics.availableDownKw() > 1 && (type !== 'ev-charger' || physics.availableDownKw() === physics.powerKw)) {
      return { der, unit: createUnit(der, physics, temperOf(der, 11)) };
    }
  }
  throw new Error(`no ${type} of the fleet can shed`);
}

function command(der: DerManifest, over: Partial<DeviceCommand> = {}): DeviceCommand {
  const type = (
    { battery: 'DISPATCH_SETPOINT', 'ev-charger': 'IMPORT_CAPACITY_LIMIT', 'heat-pump': 'CONTROL_SETPOINT' } as const
  )[der.type];
  return {
    v: 1,
    command_id: 'command-1',
    der_id: der.derId,
    sequence: 1,
    type,
    order_id: 'order-1',
    obp_id: 'obp-1',
    event_id: 'event-1',
    target_kw: der.type === 'battery' ? -3 : 0,
    start_at: iso(T0),
    stop_at: iso(T0 + 10 * MINUTE),
    valid_until: iso(T0 + MINUTE),
    release_delay_s: 30,
    issued_at: iso(T0),
    ...over,
  };
}

const results = (answers: readonly { answer: { commandId: string; result: string; reason?: string } }[]) =>
  answers.map(({ answer }) => (answer.reason ? `${answer.result} ${answer.reason}` : answer.result));

describe('a device under commands', () => {
  for (const type of ['battery', 'ev-charger', 'heat-pump'] as const) {
    it(`${type}: accepts, follows, and returns by itself at stop_at + release_delay_s`, () => {
      const { der, unit } = device(type);
      const order = command(der);
      expect(results(unit.read(order, T0).answers)).to.deep.equal(['ACCEPTED', 'STARTED']);
      expect(results(unit.advance(T0 + 10 * MINUTE + 29_000))).to.deep.equal([]);
      expect(unit.physics.powerKw).to.equal(order.target_kw);
      expect(unit.dispatched).to.equal(true);
      const ended = unit.advance(T0 + 11 * MINUTE);
      expect(results(ended)).to.deep.equal(['COMPLETED']);
      expect(ended[0]?.atMs).to.equal(T0 + 10 * MINUTE + 30_000);
      unit.advance(T0 + 25 * MINUTE);
      expect(unit.physics.powerKw).to.be.greaterThan(order.target_kw);
      expect(unit.dispatched).to.equal(false);
    });
  }

  it('executes a repeated command once and answers it as before', () => {
    const { der, unit } = device('battery');
    unit.read(command(der), T0);
    const again = unit.read(command(der, { target_kw: -1 }), T0 + MINUTE);
    expect(again.outcome.repeated).to.equal(true);
    expect(results(again.answers)).to.deep.equal(['ACCEPTED']);
    unit.advance(T0 + 2 * MINUTE);
    expect(unit.physics.powerKw).to.equal(-3);
  });

  it('repeats a refusal too, even when it would now accept', () => {
    const { der, unit } = device('battery');
    const tooMuch = command(der, { target_kw: -9 });
    expect(results(unit.read(tooMuch, T0).answers)).to.deep.equal(['REJECTED TARGET_BELOW_LIMIT']);
    expect(results(unit.read({ ...tooMuch, target_kw: -1 }, T0).answers)).to.deep.equal([
      'REJECTED TARGET_BELOW_LIMIT',
    ]);
  });

  it('ignores a lower or equal sequence and takes a higher one', () => {
    const { der, unit } = device('battery');
    unit.read(command(der, { sequence: 5 }), T0);
    for (const sequence of [4, 5]) {
      const old = unit.read(command(der, { command_id: `old-${sequence}`, sequence, target_kw: 0 }), T0);
      expect([old.outcome.ignored, old.answers.length]).to.deep.equal(['stale-sequence', 0]);
    }
    const next = unit.read(command(der, { command_id: 'next', sequence: 6, target_kw: -2 }), T0);
    expect(results(next.answers)).to.deep.equal(['ACCEPTED', 'COMPLETED REPLACED', 'STARTED']);
    unit.advance(T0 + MINUTE);
    expect(unit.physics.powerKw).to.equal(-2);
  });

  it('is deaf to a command after valid_until, and obeys it at that instant', () => {
    const late = device('battery');
    expect(results(late.unit.read(command(late.der), T0 + MINUTE + 1).answers)).to.deep.equal([
      'EXPIRED VALID_UNTIL_PASSED',
    ]);
    late.unit.advance(T0 + 3 * MINUTE);
    expect(late.unit.physics.powerKw).to.be.greaterThan(-1);
    const inTime = device('battery');
    expect(results(inTime.unit.read(command(inTime.der), T0 + MINUTE).answers)).to.deep.equal(['ACCEPTED', 'STARTED']);
  });

  it('expires a command whose window is over though it is still valid', () => {
    const { der, unit } = device('battery');
    const over = command(der, { stop_at: iso(T0), start_at: iso(T0 - MINUTE) });
    expect(results(unit.read(over, T0).answers)).to.deep.equal(['EXPIRED WINDOW_OVER']);
  });

  it('refuses a command for another der_id and stays open for its own', () => {
    const { der, unit } = device('battery');
    const other = unit.read(command(der, { der_id: 'der-99999' }), T0);
    expect(results(other.answers)).to.deep.equal(['REJECTED DER_ID_MISMATCH']);
    expect(results(unit.read(command(der), T0).answers)).to.deep.equal(['ACCEPTED', 'STARTED']);
  });

  it('refuses what its kind has not, what its ratings forbid, and an empty window', () => {
    const { der, unit } = device('ev-charger');
    const bad: [Partial<DeviceCommand>, string][] = [
      [{ type: 'DISPATCH_SETPOINT' }, 'REJECTED UNSUPPORTED_COMMAND'],
      [{ target_kw: -1 }, 'REJECTED TARGET_BELOW_LIMIT'],
      [{ target_kw: 99 }, 'REJECTED TARGET_ABOVE_LIMIT'],
      [{ start_at: iso(T0 + 20 * MINUTE) }, 'REJECTED EMPTY_WINDOW'],
    ];
    bad.forEach(([over, expected], i) => {
      const answers = unit.read(command(der, { command_id: `c${i}`, sequence: i, ...over }), T0).answers;
      expect(results(answers)).to.deep.equal([expected]);
    });
  });

  it('serves one order per window; another may take over once it is released', () => {
    const { der, unit } = device('battery');
    unit.read(command(der), T0);
    const rival = command(der, { command_id: 'rival', sequence: 2, order_id: 'order-2' });
    expect(results(unit.read(rival, T0).answers)).to.deep.equal(['REJECTED SERVING_ANOTHER_ORDER']);
    const release = command(der, { command_id: 'free', sequence: 3, type: 'RELEASE', release_delay_s: 300 });
    expect(results(unit.read(release, T0).answers)).to.deep.equal(['ACCEPTED']);
    const later = { ...rival, command_id: 'rival-2', sequence: 4 };
    expect(results(unit.read(later, T0).answers)).to.deep.equal(['ACCEPTED', 'COMPLETED REPLACED', 'STARTED']);
  });

  it('ends a hold release_delay_s after RELEASE of its order, and not for another order', () => {
    const { der, unit } = device('battery');
    unit.read(command(der), T0);
    const stray = command(der, {
      command_id: 'r1',
      sequence: 2,
      type: 'RELEASE',
      order_id: 'order-9',
      release_delay_s: 0,
    });
    unit.read(stray, T0 + MINUTE);
    expect(unit.dispatched).to.equal(true);
    unit.read({ ...stray, command_id: 'r2', sequence: 3, order_id: 'order-1', release_delay_s: 90 }, T0 + MINUTE);
    const ended = unit.advance(T0 + 5 * MINUTE);
    expect(results(ended)).to.deep.equal(['COMPLETED']);
    expect(ended[0]?.atMs).to.equal(T0 + MINUTE + 90_000);
  });

  it('begins at start_at, not before', () => {
    const { der, unit } = device('battery');
    const ahead = command(der, { start_at: iso(T0 + 5 * MINUTE) });
    expect(results(unit.read(ahead, T0).answers)).to.deep.equal(['ACCEPTED']);
    unit.advance(T0 + 5 * MINUTE - 1_000);
    expect(unit.physics.powerKw).to.be.greaterThan(-1);
    const begun = unit.advance(T0 + 6 * MINUTE);
    expect(begun.map(({ answer, atMs }) => [answer.result, atMs])).to.deep.equal([['STARTED', T0 + 5 * MINUTE]]);
    expect(unit.physics.powerKw).to.equal(-3);
  });

  it('says FAILED once when its body cannot go on', () => {
    const { der, unit } = device('battery');
    unit.read(command(der, { stop_at: iso(T0 + 600 * MINUTE) }), T0);
    expect(results(unit.advance(T0 + 599 * MINUTE))).to.deep.equal(['FAILED RESERVE_REACHED']);
    expect(results(unit.advance(T0 + 602 * MINUTE))).to.deep.equal([]);
  });

  it('remembers a bounded number of answers', () => {
    const { der, unit } = device('battery');
    for (let i = 0; i < REMEMBERED_ANSWERS + 10; i++) {
      const outcome = unit.read(command(der, { command_id: `c${i}`, sequence: i, type: 'RELEASE' }), T0).outcome;
      expect(outcome.state.answers.size).to.be.at.most(REMEMBERED_ANSWERS);
    }
  });
});

describe('behaviours', () => {
  const shedAfter = (behaviour: Behaviour, minutes: number) => {
    const { der, unit } = device('battery', behaviour);
    const before = unit.physics.powerKw;
    const { answers } = unit.read(command(der, { stop_at: iso(T0 + 60 * MINUTE) }), T0);
    unit.advance(T0 + minutes * MINUTE);
    return { answers: results(answers), share: (before - unit.physics.powerKw) / (before + 3) };
  };

  it('silent neither answers nor acts, opted-out and refusing say so and do not act', () => {
    for (const [behaviour, answers] of [
      ['silent', []],
      ['opted-out', ['OPTED_OUT CUSTOMER_OPT_OUT']],
      ['refusing', ['REJECTED LOCAL_FAULT']],
    ] as const) {
      const seen = shedAfter(behaviour, 3);
      expect(seen.answers).to.deep.equal(answers);
      expect(seen.share).to.be.below(0.1);
    }
  });

  it('weak delivers a part, dropout everything for some minutes and then nothing, normal everything', () => {
    expect(shedAfter('normal', 30).share).to.equal(1);
    expect(shedAfter('weak', 30).share).to.be.within(0.25, 0.65);
    expect(shedAfter('dropout', 3).share).to.equal(1);
    expect(shedAfter('dropout', 30).share).to.be.below(0.2);
    for (const behaviour of ['weak', 'dropout'] as const) {
      expect(shedAfter(behaviour, 1).answers).to.deep.equal(['ACCEPTED', 'STARTED']);
    }
  });

  it('slow reads below the 15 s deadline, late after it, normal at once', () => {
    const { der } = device('battery');
    for (let n = 0; n < 20; n++) {
      expect(temperOf({ ...der, behaviour: 'slow' }, n).readsAfterS).to.be.within(1, 14);
      expect(temperOf({ ...der, behaviour: 'late' }, n).readsAfterS).to.be.greaterThan(15);
      expect(temperOf({ ...der, behaviour: 'normal' }, n).readsAfterS).to.equal(0);
    }
  });

  it('delays a rate change at random only where the charger is bound to', () => {
    const at = (randomDelay: boolean) => {
      const { der, unit } = device('ev-charger', 'normal', randomDelay);
      unit.read(command(der, { stop_at: iso(T0 + 20 * MINUTE) }), T0);
      unit.advance(T0 + 1_000);
      const first = unit.physics.powerKw;
      unit.advance(T0 + 10 * MINUTE);
      return { delayS: temperOf(der, 11).randomDelayS, first, after: unit.physics.powerKw };
    };
    const bound = at(true);
    expect(bound.delayS).to.be.within(1, 600);
    expect(bound.first).to.be.greaterThan(0);
    expect(bound.after).to.equal(0);
    expect(at(false)).to.deep.equal({ delayS: 0, first: 0, after: 0 });
  });
});
