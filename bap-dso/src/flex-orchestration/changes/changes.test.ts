import type { MessageId } from '@flexder/protocol/beckn/identifiers.ts';
import { changedSelection, decodeUpdate, encodeOnUpdate } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import type { OutgoingMessage } from '@flexder/runtime/participant/types.ts';
import { expect } from 'chai';
import { orderViews } from '../../operator-api/orders/orders.ts';
import { aggregator, changedFacts, dispatched, statusOf } from '../../testing/aggregator.ts';
import type { Answer, Script, Trade } from '../../testing/trade.ts';
import { overload, useTrades } from '../../testing/trades.ts';
import { handsOf } from '../decisions/by-hand.ts';
import { itemsAt } from './change.ts';

const HAND = { by: 'R. Okafor', reason: 'the crew is done early' };
const MINUTE_MS = 60_000;

describe('a change of an order', () => {
  const { open, restarted } = useTrades();
  const bought = async (script: Script = aggregator('a')) => {
    const trade = await open({ a: script });
    for (let i = 0; i < 5; i++) await trade.step(1, 900);
    await trade.step(1, 1_020);
    expect((await only(trade)).state).to.equal('SCHEDULED');
    return trade;
  };
  const only = async (trade: Trade) => (await trade.orders())[0]!;
  const changesOf = (trade: Trade) =>
    trade.database.selectFrom('order_change').selectAll().orderBy('asked_wall_at').execute();
  /** As the operator sees them. */
  const shown = async (trade: Trade) => (await orderViews(trade.database, { limit: 1, offset: 0 }))[0]!.changes;
  const revisionsOf = (trade: Trade) =>
    trade.database.selectFrom('order_revision').selectAll().orderBy('revision').execute();
  const ask = async (trade: Trade, wanted: { kw?: number; window?: TimeWindow }) => {
    await handsOf(trade.desk).changeOrder((await only(trade)).obp_id, wanted, HAND);
    await trade.settle();
  };
  /** The answer of an aggregator that agrees, or says something beside it. */
  const agreed = async (trade: Trade, sent: OutgoingMessage, more: object = {}): Promise<Answer> => {
    const order = await only(trade);
    const asked = decodeUpdate({ context: {} as never, message: sent.message });
    const selection = changedSelection(order.selection, asked)!;
    const facts = changedFacts(order, selection, { revision: order.revision + 1, fromMs: trade.grid.nowMs() });
    return { message: encodeOnUpdate({ ...facts, ...more }, trade.wall.nowMs()) };
  };
  const answer = async (trade: Trade, more: object = {}) => {
    const sent = trade.actions('update').at(-1)!;
    await trade.callback('a', 'on_update', sent.transactionId, await agreed(trade, sent, more), sent.messageId);
    await trade.settle();
  };

  it('is asked for by a person, holds from when it was agreed, and keeps what was agreed before', async () => {
    const trade = await bought();
    const before = await only(trade);
    await ask(trade, { kw: 40 });
    expect(await only(trade)).to.deep.include({ committed_kw: 70, revision: 0, selection: before.selection });
    expect(trade.auditsOf('order.change-asked')[0]).to.include({
      actor_id: HAND.by,
      actor_role: 'OPERATOR',
      requested_kw: 40,
    });
    const asked = { kw: 40, window: null, ...HAND, askedAtMs: trade.grid.nowMs() };
    expect((await shown(trade))[0]).to.deep.include({ ...asked, state: 'ASKED', answer: null, answeredWallMs: null });
    await trade.grid.advanceTo(trade.grid.nowMs() + 2 * MINUTE_MS);
    await answer(trade);
    const after = await only(trade);
    const [agreement] = await shown(trade);
    expect(agreement).to.deep.include({ ...asked, state: 'AGREED', answeredWallMs: trade.wall.nowMs() });
    expect(agreement?.answer).to.match(/^from 20/);
    expect(after).to.deep.include({ committed_kw: 40, requested_kw: 40, revision: 1, state: 'SCHEDULED' });
    expect(after.quote?.items.map(({ kw, priceGbpPerKwh }) => [kw, priceGbpPerKwh])).to.deep.equal([[40, 0.4]]);
    const rows = (await revisionsOf(trade)).map(({ committed_kw, from_at }) => [committed_kw, from_at.getTime()]);
    expect(rows).to.deep.equal([
      [70, before.selection.window.startMs],
      [40, trade.grid.nowMs()],
    ]);
    expect(trade.auditsOf('order.change-agreed')[0]).to.include({ committed_kw: 40, obp_id: before.obp_id });
    // What was given up is not bought again while the feeder does not need it.
    await trade.step(2, 930);
    expect(await trade.orders()).to.have.length(1);
    expect(await overload(trade)).to.include({ state: 'RELIEVED' });
  });

  it('of the window prolongs the event when it ends later', async () => {
    const trade = await bought();
    const { window } = (await only(trade)).selection;
    const longer = { ...window, endMs: window.endMs + 30 * MINUTE_MS };
    await ask(trade, { window: longer });
    expect((await shown(trade))[0]).to.deep.include({ kw: null, window: longer });
    await answer(trade);
    await trade.grid.advanceTo(window.endMs + MINUTE_MS);
    await trade.settle();
    expect((await overload(trade)).state).to.not.equal('RELEASED');
    await trade.grid.advanceTo(window.endMs + 31 * MINUTE_MS);
    await trade.settle();
    expect((await overload(trade)).state).to.equal('RELEASED');
  });

  it('that is refused, or not answered, leaves the order as it was and a person hears of it', async () => {
    const trade = await bought(aggregator('a', { refuses: ['update'] }));
    const before = await only(trade);
    await ask(trade, { kw: 90 });
    expect(await only(trade)).to.deep.equal(before);
    expect(trade.auditsOf('alarm.raised').map(({ code }) => code)).to.deep.equal(['change-refused']);
    const [change] = await changesOf(trade);
    expect(change).to.include({ state: 'REFUSED', answer: '40000 not today', asked_by: HAND.by });
    const silent = await bought();
    await ask(silent, { kw: 40 });
    const again = await handsOf(silent.desk)
      .changeOrder((await only(silent)).obp_id, { kw: 30 }, HAND)
      .catch(String);
    expect(again).to.match(/is being changed/);
    silent.wall.pass(silent.config.answerTimeoutMs + 1);
    await silent.settle();
    expect((await changesOf(silent))[0]).to.include({ state: 'UNANSWERED' });
    expect(await only(silent)).to.include({ committed_kw: 70, revision: 0 });
    expect(silent.auditsOf('alarm.raised').map(({ code }) => code)).to.deep.equal(['change-unanswered']);
    expect(silent.actions('status')).to.have.length(1);
  });

  it('whose answer was lost shows in the status of the order, and a late answer is as good', async () => {
    const trade = await bought();
    for (const way of ['status', 'late'] as const) {
      const kw = way === 'status' ? 40 : 30;
      await ask(trade, { kw });
      const sent = trade.actions('update').at(-1)!;
      const late = await agreed(trade, sent);
      trade.wall.pass(trade.config.answerTimeoutMs + 1);
      await trade.settle();
      const order = await only(trade);
      if (way === 'late') await trade.callback('a', 'on_update', sent.transactionId, late, sent.messageId);
      else {
        const selection = { ...order.selection, items: itemsAt(order.selection.items, kw) };
        const { changed, ...facts } = changedFacts(order, selection, { revision: 1, fromMs: trade.grid.nowMs() });
        const status = statusOf(trade, { ...order, selection: facts.selection }, 'IN_PROGRESS', { changed });
        await trade.callback('a', 'on_status', order.transaction_id, status);
      }
      expect((await only(trade)).committed_kw, way).to.equal(kw);
      expect((await changesOf(trade)).at(-1)?.state).to.equal('AGREED');
    }
    expect((await revisionsOf(trade)).map(({ revision }) => revision)).to.deep.equal([0, 1, 2]);
  });

  it('is agreed to once, by the aggregator of the order, and to nothing but what was asked', async () => {
    const trade = await bought();
    await ask(trade, { kw: 40 });
    const sent = trade.actions('update')[0]!;
    const good = await agreed(trade, sent);
    await trade.callback('b', 'on_update', sent.transactionId, good, sent.messageId);
    await trade.callback('a', 'on_update', sent.transactionId, good, 'another-message' as MessageId);
    expect((await only(trade)).revision).to.equal(0);
    for (let i = 0; i < 3; i++) await trade.callback('a', 'on_update', sent.transactionId, good, sent.messageId);
    expect(await only(trade)).to.include({ revision: 1, committed_kw: 40 });
    expect(trade.auditsOf('order.change-agreed')).to.have.length(1);
    const order = await only(trade);
    const dearer = {
      ...order.quote!,
      items: order.quote!.items.map((item) => ({ ...item, kw: 20, priceGbpPerKwh: 9 })),
    };
    const changed = { committedKw: 40, baselineKw: 40, revision: 2, fromMs: trade.grid.nowMs() };
    const fault: [object, RegExp][] = [
      [{ quote: dearer }, /asks 9 GBP/],
      [{ selection: order.selection, quote: order.quote, changed }, /for 40 kW, asked were 20/],
    ];
    for (const [more, why] of fault) {
      await ask(trade, { kw: 20 });
      await answer(trade, more);
      expect((await changesOf(trade)).at(-1)?.answer).to.match(why);
      expect(await only(trade)).to.include({ revision: 1, committed_kw: 40 });
    }
  });

  it('holds not before it was asked, whatever its aggregator says', async () => {
    const trade = await bought();
    await trade.grid.advanceTo(trade.grid.nowMs() + 10 * MINUTE_MS);
    const askedMs = trade.grid.nowMs();
    await ask(trade, { kw: 40 });
    await trade.grid.advanceTo(askedMs + MINUTE_MS);
    const early = { changed: { committedKw: 40, baselineKw: 40, revision: 1, fromMs: askedMs - 9 * MINUTE_MS } };
    await answer(trade, early);
    expect((await revisionsOf(trade))[1]!.from_at.getTime()).to.equal(askedMs);
  });

  it('that waits at a restart goes on waiting, and answers of changed devices replace those before', async () => {
    const trade = await bought();
    await ask(trade, { kw: 40 });
    const sent = trade.actions('update')[0]!;
    const again = await restarted(trade, { a: aggregator('a', { silentOn: ['search'] }) });
    await again.callback('a', 'on_update', sent.transactionId, await agreed(again, sent), sent.messageId);
    expect(await only(again)).to.include({ revision: 1, committed_kw: 40 });
    const order = await only(again);
    const before = statusOf(again, order, 'IN_PROGRESS', {
      dispatch: dispatched(again, { commands: 12, accepted: 12 }),
    });
    const after = statusOf(again, order, 'IN_PROGRESS', {
      dispatch: dispatched(again, { commands: 5, accepted: 5, revision: 1 }),
    });
    for (const status of [before, after, before]) await again.callback('a', 'on_status', order.transaction_id, status);
    expect((await only(again)).dispatch).to.include({ commands: 5, revision: 1 });
  });

  describe('by rule', () => {
    const changing = async (orderChanges: 'by-rule' | 'by-hand' = 'by-rule') => {
      const b = aggregator('b', { offer: { priceGbpPerKwh: 0.5 } });
      const trade = await open({ a: aggregator('a', { offer: { availableKw: 40 } }), b }, { orderChanges });
      for (let i = 0; i < 5; i++) await trade.step(1, 900);
      await trade.step(1, 1_020);
      for (let i = 0; i < 4; i++) await trade.step(1, 945);
      expect((await trade.orders()).map(({ bpp_id, committed_kw }) => [bpp_id, committed_kw])).to.deep.equal([
        ['a', 40],
        ['b', 30],
      ]);
      return trade;
    };

    it('less of the dearest is taken where the load falls of itself, and no more than is not needed', async () => {
      const trade = await changing();
      for (let i = 0; i < 9; i++) await trade.step(1, 925);
      expect(trade.actions('update'), 'readings of ten minutes').to.deep.equal([]);
      for (let i = 0; i < 3; i++) await trade.step(1, 925);
      const [sent, ...more] = trade.actions('update');
      expect(more).to.deep.equal([]);
      expect(sent?.to).to.equal('b');
      // Release level 950, highest 925, a tenth of 70 kW stays: 18 of 30 kW go.
      const asked = decodeUpdate({ context: {} as never, message: sent!.message });
      expect(asked.items.map(({ kw }) => kw)).to.deep.equal([12]);
      expect(trade.auditsOf('order.change-asked')[0]).to.include({ rule_id: 'surplus-returned', rule_version: '1' });
    });

    it('all are prolonged, once, where the load would pass the limit at the end', async () => {
      const trade = await changing();
      const { window } = (await only(trade)).selection;
      for (let i = 0; i < 70 && trade.grid.nowMs() < window.endMs - MINUTE_MS; i++) await trade.step(1, 948);
      expect(
        trade
          .actions('update')
          .map(({ to }) => to)
          .sort(),
      ).to.deep.equal(['a', 'b']);
      const asked = decodeUpdate({ context: {} as never, message: trade.actions('update')[0]!.message });
      expect(asked.window!.endMs - window.endMs).to.be.at.least(30 * MINUTE_MS);
      expect(trade.auditsOf('order.change-asked')[0]).to.include({ rule_id: 'order-prolonged' });
    });

    it('nothing is changed where only a person may', async () => {
      const trade = await changing('by-hand');
      for (let i = 0; i < 20; i++) await trade.step(1, 900);
      expect(trade.actions('update')).to.deep.equal([]);
    });
  });

  it('spreads other kW over the blocks as they are, and leaves none of them out', () => {
    const items = [
      { itemId: 'battery', kw: 30 },
      { itemId: 'charger', kw: 10.2 },
      { itemId: 'pump', kw: 0.3 },
    ];
    for (const kw of [13.37, 1, 80, 40.5]) {
      const scaled = itemsAt(items, kw);
      expect(scaled.reduce((sum, item) => sum + item.kw, 0)).to.be.closeTo(kw, 1e-9);
      expect(scaled.every((item) => item.kw > 0)).to.equal(true);
    }
    expect(itemsAt(items, 20.3).map((item) => item.kw)).to.deep.equal([15, 5.1, 0.2]);
  });
});
