import { expect } from 'chai';
import type { AlarmView } from '../../src/operator-api/alarms/alarms.ts';
import type { FeederView } from '../../src/operator-api/deps.ts';
import type { OrderView } from '../../src/operator-api/orders/orders.ts';
import { FLOOD_ALARMS } from '../../src/operator-api/shift/kpi.ts';
import {
  byNeed,
  byPriority,
  headroomOf,
  isStanding,
  isWanted,
  levelOf,
  nextOf,
  peakOf,
  sentenceOf,
  timeToLimitMs,
} from './derive.ts';
import { FLOOD_MS, floodOf } from './flood.ts';
import type { Live } from './model.ts';

const MINUTE_MS = 60_000;
const point = (minute: number, powerKw: number) => {
  return { atMs: minute * MINUTE_MS, powerKw, lowKw: powerKw - 5, highKw: powerKw + 5 };
};
const feeder = (more: Partial<FeederView> = {}): FeederView => ({
  ...{ feederId: 'f', name: 'F', limitKw: 100, releaseKw: 95, powerKw: 80, at: 0, quality: 'GOOD', state: 'NORMAL' },
  ...{ forecast: [point(15, 90), point(30, 101), point(45, 110), point(60, 99)], ...more },
});
const alarm = (more: Partial<AlarmView> = {}): AlarmView => ({
  ...{ alarmId: 1, kind: 'relief-short', text: '', eventId: null, feederId: null, obpId: null, substationId: null },
  ...{ raisedAt: new Date(0).toISOString(), returned: false, ackedBy: null, ackedAt: null, shelved: null, ...more },
});
const order = (more: Partial<OrderView> = {}): OrderView =>
  ({
    ...{ state: 'SCHEDULED', answerDueMs: null, window: { startMs: 10 * MINUTE_MS, endMs: 70 * MINUTE_MS } },
    ...more,
  }) as OrderView;
const state = (more: Partial<Live> = {}): Live =>
  ({ feeders: new Map(), overloads: [], orders: [], decisions: [], ...more }) as unknown as Live;
const feeders = (...all: FeederView[]) => new Map(all.map((one, index) => [String(index), one]));

describe('what the page makes of the state', () => {
  it('tells apart below, near, at the limit and not read', () => {
    const levels = [80, 95, 95.1, 99.9, 100, null].map((powerKw) => levelOf(feeder({ powerKw })));
    expect(levels).to.deep.equal(['normal', 'normal', 'watch', 'watch', 'over', 'unknown']);
    expect(headroomOf(feeder({ powerKw: 110 }))).to.be.closeTo(-0.1, 1e-9);
    expect(headroomOf(feeder({ powerKw: null }))).to.equal(null);
  });

  it('knows how long it is to the limit, and the highest point ahead', () => {
    expect(timeToLimitMs(feeder(), 0)).to.equal(30 * MINUTE_MS);
    expect(timeToLimitMs(feeder({ powerKw: 100 }), 0)).to.equal(0);
    expect(timeToLimitMs(feeder(), 45 * MINUTE_MS)).to.equal(null);
    expect(peakOf(feeder(), 0)?.powerKw).to.equal(110);
    expect(peakOf(feeder(), 50 * MINUTE_MS)?.powerKw).to.equal(99);
    expect(peakOf(feeder({ forecast: [] }), 0)).to.equal(undefined);
  });

  it('puts those that need a look first, and leaves the others in their order', () => {
    const names = (...all: FeederView[]) => byNeed(all, 0).map(({ name }) => name);
    const calm = (name: string) => feeder({ name, forecast: [] });
    const [near, over] = [feeder({ name: 'near' }), feeder({ name: 'over', powerKw: 100 })];
    expect(names(calm('b'), near, calm('a'), over)).to.deep.equal(['over', 'near', 'b', 'a']);
  });

  it('counts down an answer by the wall clock and a window by the grid’s', () => {
    const wallMs = 1_000_000;
    expect(nextOf(order({ answerDueMs: wallMs + 5_000 }), wallMs, 0)).to.deep.equal({
      text: 'answer in 5 s',
      late: false,
    });
    expect(nextOf(order({ answerDueMs: wallMs - 5_000 }), wallMs, 0)).to.deep.equal({
      text: 'answer 5 s late',
      late: true,
    });
    expect(nextOf(order(), wallMs, 9 * MINUTE_MS).text).to.equal('starts in 1:00');
    expect(nextOf(order(), wallMs, 69.5 * MINUTE_MS).text).to.equal('ends in 0:30');
    expect(nextOf(order(), wallMs, 70 * MINUTE_MS).text).to.contain('window over');
    expect(nextOf(order({ state: 'CANCELLED' }), wallMs, 0).text).to.equal('done');
  });

  it('an alarm stands until it is over and was heard', () => {
    expect(isStanding(alarm())).to.equal(true);
    expect(isStanding(alarm({ ackedBy: 'olga' }))).to.equal(true);
    expect(isStanding(alarm({ returned: true }))).to.equal(true);
    expect(isStanding(alarm({ returned: true, ackedBy: 'olga' }))).to.equal(false);
    const shelved = { by: 'olga', reason: 'r', since: '', until: '' };
    expect([isWanted(alarm()), isWanted(alarm({ shelved }))]).to.deep.equal([true, false]);
    const { high, medium } = byPriority([alarm(), alarm({ kind: 'toString' })]);
    expect([high.length, medium.length]).to.deep.equal([1, 1]);
  });

  it('a flood is more than ten alarms in ten minutes', () => {
    const at = (ms: number, more: Partial<AlarmView> = {}) =>
      alarm({ raisedAt: new Date(ms).toISOString(), eventId: 'e', ...more });
    const many = Array.from({ length: FLOOD_ALARMS + 1 }, (_, index) => at(index + 1));
    expect(floodOf(many, FLOOD_MS)).to.include({ count: FLOOD_ALARMS + 1, perMinute: 1.1, others: 0 });
    expect(floodOf(many, FLOOD_MS + 1)).to.equal(undefined);
    const shelved = { by: 'olga', reason: 'r', since: '', until: '' };
    expect(floodOf([at(1, { shelved }), ...many.slice(1)], FLOOD_MS)).to.equal(undefined);
    const station = { kind: 'data-missing', eventId: null, substationId: 's' };
    const groups = floodOf([at(5, station), at(6, station), at(7, station), ...many], FLOOD_MS)?.groups;
    expect(groups?.map(({ where, count }) => `${where} ${count}`)).to.deep.equal(['event e 11', 's 3']);
    const known = floodOf(
      many.map((one) => ({ ...one, feederId: 'f' })),
      FLOOD_MS,
    )?.groups;
    expect(known?.map(({ where }) => where)).to.deep.equal(['event on f']);
  });

  it('says the worst first, and never that all is well when something was not read', () => {
    expect(sentenceOf(state({ feeders: feeders(feeder()) }))).to.include({ level: 'normal' });
    const unread = sentenceOf(state({ feeders: feeders(feeder(), feeder({ powerKw: null })) }));
    expect(unread).to.include({ level: 'watch' });
    expect(unread.text).to.contain('1 of 2 feeders not read');
    const over = sentenceOf(
      state({ feeders: feeders(feeder({ powerKw: null }), feeder({ powerKw: 100, name: 'Here' })) }),
    );
    expect(over).to.include({ level: 'over' });
    expect(over.text).to.contain('Over its limit: Here.');
  });
});
