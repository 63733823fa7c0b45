import type { MessageId } from '@flexder/protocol/beckn/identifiers.ts';
import {
  changedSelection,
  decodeExcludedDevices,
  decodeUpdate,
  encodeOnUpdate,
} from '@flexder/protocol/flexibility/codec-v1.ts';
import type { DeviceAnswer, DeviceAnswers } from '@flexder/protocol/flexibility/model.ts';
import type { OutgoingMessage } from '@flexder/runtime/participant/types.ts';
import { expect } from 'chai';
import { handsOf } from '../flex-orchestration/decisions/by-hand.ts';
import { ANY_BPP } from '../flex-orchestration/decisions/restrictions.ts';
import { DER_ORDERS } from '../limits.ts';
import type { NetworkModel } from '../network-model/model.ts';
import { aggregator, changedFacts, dispatched, statusOf } from '../testing/aggregator.ts';
import type { Trade } from '../testing/trade.ts';
import { useTrades } from '../testing/trades.ts';
import { derHandsOf } from './by-hand.ts';
import { noteNetwork } from './known.ts';
import { OffersOnHand } from './offers-on-hand.ts';

const HAND = { by: 'R. Okafor', reason: 'its inverter is on fire' };
const der = (derId: string, bppId = 'a', feederId = 'feeder-1') => ({ derId, bppId, feederId });
const answers = (...ids: string[]): DeviceAnswers =>
  ids.map((derId) => ({ derId, deviceType: 'battery', askedKw: 5, answer: 'ACCEPTED' }));

describe('single devices', () => {
  const { open, restarted } = useTrades();
  const two = {
    a: aggregator('a', { offer: { availableKw: 40 } }),
    b: aggregator('b', { offer: { availableKw: 40 } }),
  };
  const overloaded = async (trade: Trade) => {
    for (let i = 0; i < 5; i++) await trade.step(1, 900);
    await trade.step(1, 1_020);
  };
  const excludedBy = ({ message }: OutgoingMessage) => decodeExcludedDevices({ context: {} as never, message });
  const told = (trade: Trade, bppId: string) =>
    trade.sent
      .filter(({ to, action }) => to === bppId && action !== 'search')
      .map((sent) => `${sent.action}: ${excludedBy(sent).join(' ')}`);
  const orderOf = async (trade: Trade, bppId = 'a') => (await trade.orders()).find(({ bpp_id }) => bpp_id === bppId)!;
  const report = async (trade: Trade, devices: DeviceAnswers, revision = 0) => {
    const order = await orderOf(trade);
    const dispatch = dispatched(trade, revision > 0 ? { revision } : {});
    await trade.callback(
      'a',
      'on_status',
      order.transaction_id,
      statusOf(trade, order, 'IN_PROGRESS', { dispatch, devices }),
    );
  };
  const known = (trade: Trade) =>
    trade.database.selectFrom('der').selectAll().orderBy('der_id').orderBy('bpp_id').execute();
  const alarms = (trade: Trade) => trade.auditsOf('alarm.raised').filter(({ code }) => code === 'excluded-der-used');

  it('that are excluded travel with every request to their aggregator for their feeder, and with no other', async () => {
    const trade = await open(two);
    const hands = derHandsOf(trade.desk);
    for (const one of [der('der-2'), der('der-1'), der('der-9', ANY_BPP), der('der-3', 'a', 'feeder-2')])
      await hands.restrictDer(one, true, HAND);
    expect(trade.auditsOf('operator.excluded')[0]).to.include({
      ...{ der_id: 'der-2', feeder_id: 'feeder-1', counterparty_id: 'a', actor_id: HAND.by, decision: HAND.reason },
    });
    await overloaded(trade);
    const all = 'der-1 der-2 der-9';
    expect(told(trade, 'a')).to.deep.equal([`select: ${all}`, `init: ${all}`, `confirm: ${all}`]);
    expect(told(trade, 'b')).to.deep.equal(['select: der-9', 'init: der-9', 'confirm: der-9']);
    expect((await orderOf(trade)).excluded_der_ids).to.deep.equal(all.split(' '));

    const again = await restarted(trade, two);
    const held = again.desk.restrictions;
    expect(held.excludedDers('feeder-1', 'a')).to.deep.equal(all.split(' '));
    await derHandsOf(again.desk).restrictDer(der('der-9', 'b'), false, HAND);
    await derHandsOf(again.desk).restrictDer(der('der-1'), false, HAND);
    expect(held.excludedDers('feeder-1', 'a')).to.deep.equal(['der-2']);
    expect(held.excludedDers('feeder-1', 'b')).to.deep.equal([]);
    const rows = await trade.database.selectFrom('restriction').select('subject').orderBy('subject').execute();
    expect(rows.map(({ subject }) => subject)).to.deep.equal(['der-2', 'der-3']);
  });

  it('are as many as a request can carry', async () => {
    const trade = await open({});
    const hands = derHandsOf(trade.desk);
    for (let i = 0; i < 200; i++) trade.desk.restrictions.setDer(der(`der-${i}`), true);
    const refused = await hands.restrictDer(der('der-200'), true, HAND).catch((error: Error) => error);
    expect(refused).to.include({ name: 'TooLateError' });
    expect((refused as Error).message).to.contain('200 devices of feeder-1 are excluded');
    await hands.restrictDer(der('der-200', 'a', 'feeder-2'), true, HAND);
  });

  it('become known by the reports of their orders, which may repeat', async () => {
    const trade = await open(two);
    await overloaded(trade);
    const [one, other] = answers('der-1', 'der-2');
    const devices = [one!, { ...other!, answer: 'SILENT' as DeviceAnswer }];
    await report(trade, devices);
    await report(trade, devices);
    const { obp_id, selection } = await orderOf(trade);
    const recent = (answer: DeviceAnswer) => [
      { obpId: obp_id, answer, askedKw: 5, atMs: selection.window.startMs, toldMs: trade.wall.nowMs() },
    ];
    const [first, second] = await known(trade);
    expect(first).to.deep.include({
      ...{ der_id: 'der-1', bpp_id: 'a', feeder_id: 'feeder-1', device_type: 'battery', rated_kw: null },
      ...{ last_obp_id: obp_id, last_answer: 'ACCEPTED', recent: recent('ACCEPTED') },
    });
    expect(second).to.deep.include({ last_answer: 'SILENT', recent: recent('SILENT') });
    expect(alarms(trade)).to.deep.equal([]);

    const many = Array.from({ length: 20 }, (_, index) => ({
      ...recent('SILENT')[0]!,
      obpId: `obp-${index}`,
      atMs: index,
    }));
    await trade.database
      .updateTable('der')
      .set({ recent: JSON.stringify(many) })
      .execute();
    await report(trade, devices);
    expect((await known(trade))[0]?.recent).to.have.length(DER_ORDERS);
  });

  it('are known to have opted out for want of consent when their aggregator says so, also of one that had accepted', async () => {
    const trade = await open(two);
    await overloaded(trade);
    const [accepted] = answers('der-1');
    const reasonOf = async () => (await known(trade))[0]?.recent.map(({ answer, reason }) => [answer, reason]);
    await report(trade, [accepted!]);
    expect(await reasonOf()).to.deep.equal([['ACCEPTED', undefined]]);
    await report(trade, [{ ...accepted!, answer: 'OPTED_OUT' }]);
    expect(await reasonOf()).to.deep.equal([['OPTED_OUT', undefined]]);
    await report(trade, [{ ...accepted!, answer: 'OPTED_OUT', reason: 'consent-withdrawn' }]);
    expect(await reasonOf()).to.deep.equal([['OPTED_OUT', 'consent-withdrawn']]);
  });

  it('that answer although they were excluded raise one alarm; who was excluded later does not', async () => {
    const trade = await open(two);
    await derHandsOf(trade.desk).restrictDer(der('der-1'), true, HAND);
    await overloaded(trade);
    await derHandsOf(trade.desk).restrictDer(der('der-2'), true, HAND);
    await report(trade, answers('der-2', 'der-3'));
    expect(alarms(trade)).to.deep.equal([]);
    await report(trade, answers('der-1', 'der-2', 'der-3'));
    await report(trade, answers('der-1', 'der-2', 'der-3'));
    const [alarm, ...more] = alarms(trade);
    expect(more).to.deep.equal([]);
    expect(alarm).to.deep.include({
      der_id: 'der-1',
      counterparty_id: 'a',
      rule_inputs: { excluded: 1, commanded: 1 },
    });
    expect(alarm?.decision).to.equal('a commanded excluded devices for its order: der-1 (accepted, 5 kW)');
  });

  it('leave an order by its change: a report from before may name them, one after it may not', async () => {
    const trade = await open(two);
    await overloaded(trade);
    await derHandsOf(trade.desk).restrictDer(der('der-1'), true, HAND);
    const order = await orderOf(trade);
    await handsOf(trade.desk).changeOrder(order.obp_id, { kw: order.committed_kw }, HAND);
    const sent = trade.actions('update').at(-1)!;
    expect(excludedBy(sent)).to.deep.equal(['der-1']);
    const asked = decodeUpdate({ context: {} as never, message: sent.message });
    const facts = changedFacts(order, changedSelection(order.selection, asked)!, {
      revision: 1,
      fromMs: trade.grid.nowMs(),
    });
    const message = encodeOnUpdate(facts, trade.wall.nowMs());
    await trade.callback('a', 'on_update', sent.transactionId, { message }, sent.messageId as MessageId);
    expect((await orderOf(trade)).excluded_der_ids).to.deep.equal(['der-1']);
    await report(trade, answers('der-1'));
    expect(alarms(trade)).to.deep.equal([]);
    await trade.database.deleteFrom('der').execute();
    await report(trade, answers('der-1', 'der-2'), 1);
    expect(alarms(trade)).to.have.length(1);
    await report(trade, answers('der-2'), 1);
    const [one, other] = await known(trade);
    expect([one?.last_obp_id, one?.recent.map(({ left }) => left)]).to.deep.equal([null, [true]]);
    expect([other?.last_obp_id, other?.recent.map(({ left }) => left)]).to.deep.equal([order.obp_id, [undefined]]);
  });

  it('of the network model are known with their rating, and get their aggregator from its report', async () => {
    const trade = await open(two);
    const model = (...ders: object[]) => ({ ders }) as unknown as NetworkModel;
    const own = { msid: '1900000000001', ratedKw: 7, feederId: 'feeder-1', essential: false };
    await noteNetwork(
      trade.database,
      model(
        { ...own, derId: 'der-1', aggregatorId: null },
        { ...own, derId: 'der-2', aggregatorId: 'b', essential: true },
      ),
    );
    const rows = async () => (await known(trade)).map((row) => [row.der_id, row.bpp_id, row.rated_kw, row.essential]);
    expect(await rows()).to.deep.equal([
      ['der-1', '', 7, false],
      ['der-2', 'b', 7, true],
    ]);
    await overloaded(trade);
    await report(trade, answers('der-1', 'der-2'));
    expect(await rows()).to.deep.equal([
      ['der-1', 'a', 7, false],
      ['der-2', 'a', null, false],
      ['der-2', 'b', 7, true],
    ]);
    await noteNetwork(trade.database, model({ ...own, derId: 'der-1', ratedKw: 8, aggregatorId: null }));
    expect(await rows()).to.deep.equal([
      ['der-1', 'a', 8, false],
      ['der-2', 'a', null, false],
    ]);
  });

  it('stand behind what is on offer: the newest catalogue of each aggregator and feeder', async () => {
    const trade = await open(two);
    const { offers } = trade.desk;
    expect(offers.kwOn('feeder-1')).to.equal(null);
    await overloaded(trade);
    expect(offers.onOffer().map(({ feederId, bppId, kw, blocks }) => [feederId, bppId, kw, blocks])).to.deep.equal([
      ['feeder-1', 'a', 40, 1],
      ['feeder-1', 'b', 40, 1],
    ]);
    expect([offers.kwOn('feeder-1'), offers.kwOn('feeder-1', 'b'), offers.kwOn('feeder-2')]).to.deep.equal([
      80,
      40,
      null,
    ]);
    offers.note('feeder-1', 'a', { offers: [], leftOut: [] }, trade.wall.nowMs());
    expect(offers.kwOn('feeder-1')).to.equal(40);
    const few = new OffersOnHand();
    for (let i = 0; i <= 5_000; i++) few.note(`feeder-${i}`, 'a', { offers: [], leftOut: [] }, i);
    expect([few.kwOn('feeder-0'), few.kwOn('feeder-1')]).to.deep.equal([null, 0]);
  });
});
