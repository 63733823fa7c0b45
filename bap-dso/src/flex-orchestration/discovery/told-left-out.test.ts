import { encodeCatalogue } from '@flexder/protocol/flexibility/codec-v1.ts';
import { expect } from 'chai';
import { aggregator } from '../../testing/aggregator.ts';
import { offer } from '../../testing/offers.ts';
import type { Script, Trade } from '../../testing/trade.ts';
import { both, useTrades } from '../../testing/trades.ts';
import { toldBy, toldText } from './told-left-out.ts';

const OFFLINE = { reason: 'offline', devices: 7, ratedKw: 18 };
const EXPIRED = { reason: 'consent-expired', devices: 5, ratedKw: 13 };
const OWN = { reason: 'roof-works', devices: 1, ratedKw: 2 };

describe('what aggregators left out, and why', () => {
  const { open } = useTrades();
  const overloaded = async (bpps: Record<string, Script>) => {
    const trade = await open(bpps);
    await overload(trade);
    return trade;
  };
  const overload = async (trade: Trade) => {
    for (let i = 0; i < 5; i++) await trade.step(1, 900);
    await trade.step(1, 1_020);
  };
  const offered = async (trade: Trade) =>
    (await trade.database.selectFrom('decision').select('offered').executeTakeFirstOrThrow()).offered;
  const inputs = (trade: Trade) => trade.auditsOf('plan.chosen')[0]!.rule_inputs as Record<string, unknown>;

  it('is in the decision and in its record, of each aggregator, also of one that has nothing on offer', async () => {
    const trade = await overloaded({
      a: aggregator('a', { leftOut: [EXPIRED, OFFLINE] }),
      b: aggregator('b', { offer: { availableKw: 0 }, leftOut: [OWN] }),
      c: aggregator('c', { silentOn: ['search'] }),
    });
    // Who is silent is waited for with a bound.
    trade.wall.pass(60_000);
    await trade.settle();
    const { leftOut, silent } = await offered(trade);
    expect(leftOut).to.deep.equal([
      { bppId: 'a', feederId: 'feeder-1', reasons: [OFFLINE, EXPIRED] },
      { bppId: 'b', feederId: 'feeder-1', reasons: [OWN] },
    ]);
    expect(silent).to.deep.equal(['c']);
    expect(inputs(trade).left_out_by_aggregators).to.equal(
      'a: 12 devices, 31 kW rated: offline 7 (18 kW), consent expired or withdrawn 5 (13 kW), b: 1 device, 2 kW rated: roof works 1 (2 kW)',
    );
    expect(trade.desk.offers.leftOut()).to.have.length(2);
  });

  it('has devices beside it that people excluded, which no aggregator knows of before an order', async () => {
    const trade = await open(both());
    for (const [derId, feederId] of [
      ['der-1', 'feeder-1'],
      ['der-2', 'feeder-2'],
    ] as const)
      trade.desk.restrictions.setDer({ derId, bppId: 'a', feederId }, true);
    await overload(trade);
    expect(await offered(trade)).to.deep.include({ leftOut: [], excludedDers: 1 });
  });

  it('is nothing where nobody says so: the record is as it always was', async () => {
    const trade = await overloaded(both());
    expect(await trade.orders()).to.have.length.above(0);
    expect(await offered(trade)).to.deep.include({ leftOut: [], silent: [], excludedDers: 0 });
    expect(inputs(trade)).to.not.have.property('left_out_by_aggregators');
    expect(trade.desk.offers.leftOut()).to.deep.equal([]);
  });

  it('counts once: a second catalogue of an aggregator adds nothing to the search it has answered', async () => {
    const twice: Script = (sent, trade) => {
      const answer = aggregator('a', { leftOut: [OFFLINE] })(sent, trade);
      if (sent.action === 'search' && answer) void trade.callback('a', 'on_search', sent.transactionId, answer);
      return answer;
    };
    const trade = await overloaded({ a: twice, b: aggregator('b') });
    expect((await offered(trade)).leftOut).to.deep.equal([{ bppId: 'a', feederId: 'feeder-1', reasons: [OFFLINE] }]);
    expect(trade.metrics.total('bap_catalogues_late_total')).to.equal(1);
    expect(trade.desk.offers.leftOut()[0]?.reasons).to.deep.equal([OFFLINE]);
  });

  it('told in a way that makes no sense is left aside, and the offers beside it are taken', async () => {
    const block = offer('a');
    const told = { ...block, window: block.availability, reasons: [OFFLINE] };
    const again = { ...told, fulfillmentId: 'another' };
    const says = (leftOut: (typeof told)[]): Record<string, Script> => ({
      a: (sent, trade) =>
        sent.action === 'search'
          ? { message: encodeCatalogue('p', 'a', [block], leftOut) }
          : aggregator('a')(sent, trade),
    });
    const doubled = await overloaded(says([told, again]));
    expect((await offered(doubled)).leftOut).to.deep.equal([]);
    expect(await doubled.orders()).to.have.length(1);
    await doubled.close();
    expect((await offered(await overloaded(says([told])))).leftOut).to.have.length(1);
  });

  it('of several feeders begins with the one that was searched, and says which another is', () => {
    const of = (feederId: string, ...reasons: (typeof OFFLINE)[]) => ({
      ...{ feederId: feederId as never, fulfillmentId: feederId, window: { startMs: 0, endMs: 1 }, reasons },
    });
    const told = toldBy('a', [of('feeder-2', OFFLINE), of('feeder-1', OWN), of('feeder-1', OWN, EXPIRED)], 'feeder-1');
    expect(told.map((one) => toldText(one, 'feeder-1'))).to.deep.equal([
      'a: 7 devices, 17 kW rated: consent expired or withdrawn 5 (13 kW), roof works 2 (4 kW)',
      'a on feeder-2: 7 devices, 18 kW rated: offline 7 (18 kW)',
    ]);
    const many = Array.from({ length: 12 }, (_, index) => of(`feeder-${index}`, OWN));
    expect(toldBy('a', many, 'feeder-11').map(({ feederId }) => feederId))
      .to.have.length(10)
      .and.include('feeder-11');
  });
});
