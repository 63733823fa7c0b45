import { expect } from 'chai';
import { aggregator } from '../../testing/aggregator.ts';
import { bought, decisions, eventId, HAND, requested, useDecisions } from '../../testing/decisions.ts';
import { both, overload } from '../../testing/trades.ts';
import { handsOf } from './by-hand.ts';
import { TooLateError } from './too-late.ts';

describe('by hand', () => {
  const { open, overloaded, restarted } = useDecisions();

  it('what could not be written was not done, and is done when it is asked again', async () => {
    const trade = await overloaded([]);
    const id = await eventId(trade);
    trade.broken = new Error('the database is away');
    const error = await handsOf(trade.desk)
      .buy(id, { kw: 30, emergency: true }, HAND)
      .then(
        () => undefined,
        (reason: unknown) => reason,
      );
    expect(error).to.equal(trade.broken);
    trade.broken = undefined;
    await bought(trade, id, { kw: 30, emergency: false });
    expect(await requested(trade)).to.deep.equal([70, 30]);
    expect(await overload(trade)).to.include({ intervention_class: 'INCENTIVE' });
  });

  it('of an event that is over nothing is done', async () => {
    const trade = await overloaded([]);
    const error = await handsOf(trade.desk)
      .buy('event-of-yesterday', { kw: 30, emergency: false }, HAND)
      .then(
        () => undefined,
        (reason: unknown) => reason,
      );
    expect(error).to.be.instanceOf(TooLateError);
  });

  it('an event is released: its orders are cancelled, and nothing is bought in their place', async () => {
    const trade = await overloaded([]);
    const id = await eventId(trade);
    await handsOf(trade.desk).release(id, HAND);
    await trade.settle();
    await trade.step(1, 1_040);
    expect(trade.actions('cancel')).to.have.length(1);
    expect(trade.actions('search')).to.have.length(1);
    expect(trade.auditsOf('operator.released')[0]).to.deep.include({ actor_id: 'olga', event_id: id });
  });

  it('an aggregator is excluded, and said to be, until it is restored', async () => {
    const trade = await open(both());
    const hands = handsOf(trade.desk);
    await hands.restrict('exclude-bpp', 'a', true, HAND);
    for (let i = 0; i < 5; i++) await trade.step(1, 900);
    await trade.step(1, 1_020);
    expect((await trade.orders()).map(({ bpp_id }) => bpp_id)).to.deep.equal(['b']);
    expect((await decisions(trade))[0]!.offered.excluded).to.deep.equal([
      { reason: 'excluded-by-operator', offers: 1, kw: 80 },
    ]);
    await hands.restrict('exclude-bpp', 'a', false, HAND);
    await bought(trade, await eventId(trade), { kw: 10, emergency: false });
    expect((await trade.orders()).map(({ bpp_id }) => bpp_id)).to.deep.equal(['b', 'a']);
  });

  it('dispatch is stopped as a whole, over a restart, and resumed', async () => {
    const trade = await overloaded([]);
    await handsOf(trade.desk).restrict('stop', '*', true, HAND);
    await trade.settle();
    expect(trade.actions('cancel')).to.have.length(1);
    for (let i = 0; i < 3; i++) await trade.step(2, 1_040);
    expect(await requested(trade)).to.have.length(1);
    const again = await restarted(trade, both());
    for (let i = 0; i < 3; i++) await again.step(2, 1_040);
    expect(again.actions('select')).to.have.length(0);
    await handsOf(again.desk).restrict('stop', '*', false, HAND);
    await again.step(1, 1_060);
    const asked = again.actions('select').map(({ to }) => to);
    expect(asked, '110 kW above the release level, of which a has 80').to.deep.equal(['a', 'b']);
  });

  it('an event is escalated: what is bought from then on is marked, and may cost more', async () => {
    const dear = { a: aggregator('a'), b: aggregator('b', { offer: { priceGbpPerKwh: 3 } }) };
    const trade = await overloaded([], dear, { emergencyMaxPriceGbpPerKwh: 5 });
    const id = await eventId(trade);
    await bought(trade, id, { kw: 90, emergency: true });
    expect((await trade.orders()).map(({ bpp_id }) => bpp_id)).to.include('b');
    expect(await overload(trade)).to.include({ intervention_class: 'EMERGENCY' });
    expect(trade.auditsOf('operator.escalated')[0]).to.deep.include({ intervention_class: 'EMERGENCY' });
  });

  it('by rule only where that is configured, when the means are used up at the limit', async () => {
    const escalated = async (emergency: 'by-rule' | 'by-hand') => {
      const trade = await overloaded([], { a: aggregator('a') }, { maxTopUps: 1, emergency });
      for (let i = 0; i < 5; i++) await trade.step(3, 1_040);
      const found = [(await overload(trade)).intervention_class, trade.auditsOf('event.escalated').length];
      await trade.close();
      return found;
    };
    expect(await escalated('by-hand')).to.deep.equal(['INCENTIVE', 0]);
    expect(await escalated('by-rule')).to.deep.equal(['EMERGENCY', 1]);
  });
});
