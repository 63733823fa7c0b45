import { parse, to } from '@flexder/runtime/page/address.ts';
import { expect } from 'chai';
import type { Delta } from '../../src/operator-api/stream/changes.ts';
import type { Snapshot } from '../../src/operator-api/stream/snapshot.ts';
import { apply, fromSnapshot, withPast } from './model.ts';

const feeder = (at: number, powerKw: number) => ({ feederId: 'f', at, powerKw, quality: 'GOOD' });
const order = (obpId: string, createdMs: number, state = 'SCHEDULED') => ({ obpId, createdMs, state });
const first = fromSnapshot({
  ...{ mode: 'LIVE', clocks: { wallMs: 0, gridMs: 0 }, decisions: [{ decisionId: 'd' }], restrictions: [] },
  ...{ feeders: [feeder(0, 1)], overloads: [], orders: [order('a', 1)], alarms: [], audit: [{ seq: 1 }] },
  recentLoad: { f: [{ atMs: 0, powerKw: 1, quality: 'GOOD' }] },
} as unknown as Snapshot);
const delta = (more: object) => ({ clocks: { wallMs: 1, gridMs: 1 }, events: [], ...more }) as unknown as Delta;

describe('the state of the page', () => {
  it('takes an item in place of the one of the same id, newest first', () => {
    const next = apply(first, delta({ orders: [order('b', 2), order('a', 1, 'COMPLETED')] }));
    expect(next.orders.map(({ obpId, state }) => `${obpId} ${state}`)).to.deep.equal(['b SCHEDULED', 'a COMPLETED']);
    expect(apply(next, delta({ orders: [order('b', 2)] })).orders).to.have.length(2);
  });

  it('takes decisions and restrictions whole, and leaves them when a delta has none', () => {
    expect(apply(first, delta({})).decisions).to.have.length(1);
    expect(apply(first, delta({ decisions: [] })).decisions).to.deep.equal([]);
  });

  it('takes a record once, whatever is told twice', () => {
    const next = apply(first, delta({ audit: [{ seq: 1 }, { seq: 2 }] }));
    expect(next.audit.map(({ seq }) => seq)).to.deep.equal([1, 2]);
  });

  it('takes the past of a feeder in front of what came since, and no instant twice', () => {
    const past = [-90_000, 0, 90_000].map((atMs) => ({ atMs, powerKw: 7, quality: 'GOOD' as const }));
    const points = (id: string) =>
      withPast(first, id, past)
        .load.get(id)
        ?.map(({ atMs, powerKw }) => [atMs, powerKw]);
    expect(points('f')).to.deep.equal([
      [-90_000, 7],
      [0, 1],
    ]);
    expect(points('never read')).to.have.length(3);
  });

  it('draws a point each half minute at least, the newest one for the moment, none twice', () => {
    let state = first;
    for (const [at, kw] of [
      [10_000, 2],
      [20_000, 3],
      [20_000, 9],
      [40_000, 4],
      [50_000, 5],
    ] as const)
      state = apply(state, delta({ feeders: [feeder(at, kw)] }));
    expect(state.load.get('f')?.map(({ atMs, powerKw }) => [atMs, powerKw])).to.deep.equal([
      [0, 1],
      [20_000, 3],
      [40_000, 4],
      [50_000, 5],
    ]);
  });
});

describe('addresses of screens', () => {
  it('name a screen, an id and what is asked for, and are read back as they were written', () => {
    const address = to('events', 'a/b?c#d', { event_id: 'x y' });
    const { screen, id, query } = parse(address);
    expect([screen, id, query.get('event_id')]).to.deep.equal(['events', 'a/b?c#d', 'x y']);
    expect(parse('')).to.include({ screen: '', id: undefined });
    expect(parse('#/orders/%E0%A4%A').id).to.equal('%E0%A4%A');
  });
});
