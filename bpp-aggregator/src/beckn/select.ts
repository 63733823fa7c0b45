import { decodeSelect, encodeOnSelect } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { FlexQuote, FlexSelection } from '@flexder/protocol/flexibility/model.ts';
import type { BecknError, InboundMessage } from '@flexder/runtime/participant/types.ts';
import { infeasibility } from '../catalogue/blocks.ts';
import { fulfillmentIdOf, parseItemId } from '../catalogue/item-id.ts';
import type { Rooms, Work } from '../context.ts';
import { askConsumers } from '../enrolment/questions.ts';
import { LIMITS } from '../limits.ts';
import { makeFirm, quoteOf } from '../orders/firm.ts';
import { dropHolds, usageOn } from '../orders/holds.ts';
import { armQuoteExpiry, expireDueQuotes } from '../orders/quote-expiry.ts';
import { advance, auditOrder, lockByTransaction, type OrderRow } from '../orders/store.ts';
import { eligibleFor, summariseExclusions } from '../portfolio/eligibility.ts';
import { answer, read, readExcluded, refuse } from './answer.ts';
import { rulesOf } from './search.ts';

/** A firm quote: named devices are held for it until it runs out. Less than asked is an answer, nothing is an error. */
export function select(rooms: Rooms) {
  return async (work: Work, request: InboundMessage): Promise<void> => {
    const selection = await read(work, request, decodeSelect);
    const excludedIds = selection && (await readExcluded(work, request));
    if (!selection || !excludedIds) return;
    await rooms.refresh.feeder(work.db, selection.feederId);
    const fault = faultOf(selection, rooms);
    if (fault) return void (await refuse(work, request, fault));
    const { bap_id, transaction_id } = request.body.context;
    await expireDueQuotes(work, rooms);
    const known = await lockByTransaction(work.db, bap_id, transaction_id);
    const move = advance(known?.state, 'select', 'on_select');
    if (!move.ok) return void (await refuse(work, request, { code: move.code, message: move.message }));
    if (known) await dropHolds(work.db, known.order_no);

    const usageOf = await usageOn(work.db, selection.feederId, selection.window);
    const nowMs = rooms.context.grid.nowMs();
    const ders = rooms.fleet.onFeeder(selection.feederId);
    const { eligible, excluded } = eligibleFor(ders, usageOf, selection.window, nowMs, {
      ...rulesOf(rooms),
      excluded: excludedIds,
    });
    await askConsumers(work, rooms, excluded, selection.window);
    const row = await openOrder(work, rooms, request, selection, known);
    const items = await makeFirm(work, rooms, row.order_no, selection, eligible);
    if (items.length === 0) {
      await closeUnquoted(work, rooms, row.order_no);
      const message = `none of the selected kW is available; devices excluded: ${summariseExclusions(excluded) || 'none'}`;
      return void (await refuse(work, request, { code: '40002', message }));
    }
    const quote = quoteOf(
      rooms.context.ids.uuid(),
      items,
      selection.window,
      rooms.context.wall.nowMs() + rooms.config.quoteTtlMs,
    );
    const quoted = await storeQuote(work, row.order_no, quote, rooms);
    const asked = selection.items.reduce((sum, item) => sum + item.kw, 0);
    const exclusions = summariseExclusions(excluded) || 'none';
    await auditOrder(work, quoted, `${quote.totalKw} of ${asked} kW quoted firmly; devices excluded: ${exclusions}`);
    await answer(work, request, encodeOnSelect(selection, quote, rooms.context.wall.nowMs()));
    work.afterCommit(() => armQuoteExpiry(rooms, row.order_no, quote.validUntilMs));
  };
}

/** What no state of the portfolio could make right. */
function faultOf(selection: FlexSelection, rooms: Rooms): BecknError | undefined {
  const { config, fleet } = rooms;
  const at = '/message/order';
  if (selection.providerId !== config.providerId)
    return { code: '30001', message: `the provider here is ${config.providerId}`, paths: `${at}/provider/id` };
  if (!fleet.serves(selection.feederId) || selection.fulfillmentId !== fulfillmentIdOf(selection.feederId))
    return { code: '30008', message: `no devices on ${selection.feederId}`, paths: `${at}/fulfillments/0` };
  if (selection.items.length > LIMITS.maxItemsPerSelection)
    return { code: '30000', message: `at most ${LIMITS.maxItemsPerSelection} items`, paths: `${at}/items` };
  const ids = selection.items.map((item) => item.itemId);
  const wrong = ids.findIndex(
    (id, index) => parseItemId(id)?.feederId !== selection.feederId || ids.indexOf(id) < index,
  );
  if (wrong >= 0)
    return {
      code: '30004',
      message: `item ${ids[wrong]} is not on offer for ${selection.feederId}, or stands twice`,
      paths: `${at}/items/${wrong}/id`,
    };
  const obstacle = infeasibility(selection.window, rooms.context.grid.nowMs(), config);
  return obstacle === undefined
    ? undefined
    : { code: '30008', message: obstacle.text, paths: `${at}/fulfillments/0/stops/0/time` };
}

async function openOrder(
  work: Work,
  rooms: Rooms,
  request: InboundMessage,
  selection: FlexSelection,
  known: OrderRow | undefined,
): Promise<{ order_no: number }> {
  const now = new Date(rooms.context.wall.nowMs());
  const values = {
    state: 'SELECTING' as const,
    feeder_id: selection.feederId,
    window_start_at: new Date(selection.window.startMs),
    window_end_at: new Date(selection.window.endMs),
    selection: JSON.stringify(selection),
    quote: JSON.stringify(quoteOf('', [], selection.window, 0)),
    quote_until_wall_at: now,
    committed_kw: 0,
    updated_wall_at: now,
  };
  if (known) {
    await work.db.updateTable('flex_order').set(values).where('order_no', '=', known.order_no).execute();
    return known;
  }
  const { bap_id, transaction_id } = request.body.context;
  return work.db
    .insertInto('flex_order')
    .values({ ...values, bap_id, transaction_id, created_wall_at: now })
    .returning('order_no')
    .executeTakeFirstOrThrow();
}

/** A selection that came to nothing leaves no order: the BAP may select again in the same transaction. */
async function closeUnquoted(work: Work, rooms: Rooms, orderNo: number): Promise<void> {
  await dropHolds(work.db, orderNo);
  await work.db.deleteFrom('flex_order').where('order_no', '=', orderNo).execute();
  work.afterCommit(() => rooms.timers.disarm('quote', orderNo));
}

async function storeQuote(work: Work, orderNo: number, quote: FlexQuote, rooms: Rooms): Promise<OrderRow> {
  return work.db
    .updateTable('flex_order')
    .set({
      state: 'QUOTED',
      quote: JSON.stringify(quote),
      quote_until_wall_at: new Date(quote.validUntilMs),
      committed_kw: quote.totalKw,
      updated_wall_at: new Date(rooms.context.wall.nowMs()),
    })
    .where('order_no', '=', orderNo)
    .returningAll()
    .executeTakeFirstOrThrow();
}
