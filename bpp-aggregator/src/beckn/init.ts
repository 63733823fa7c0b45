import { type OrderId, orderId } from '@flexder/protocol/beckn/identifiers.ts';
import { decodeInit, encodeOnInit } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { InboundMessage } from '@flexder/runtime/participant/types.ts';
import type { Rooms, Work } from '../context.ts';
import { differenceFromQuote, quotedSelection } from '../orders/agreed.ts';
import { withoutExcluded } from '../orders/exclusions.ts';
import { expireDueQuotes } from '../orders/quote-expiry.ts';
import { advance, auditOrder, lockByTransaction } from '../orders/store.ts';
import { answer, read, readExcluded, refuse, UNKNOWN_ORDER } from './answer.ts';

/** Draws the order up: it gets its id, its references are fixed, and the terms of cancelling it are told. */
export function init(rooms: Rooms) {
  return async (work: Work, request: InboundMessage): Promise<void> => {
    const wanted = await read(work, request, decodeInit);
    const excluded = wanted && (await readExcluded(work, request));
    if (!wanted || !excluded) return;
    const { bap_id, transaction_id } = request.body.context;
    await expireDueQuotes(work, rooms);
    const row = await lockByTransaction(work.db, bap_id, transaction_id);
    if (!row) return void (await refuse(work, request, UNKNOWN_ORDER));
    if (row.state === 'EXPIRED') return void (await refuse(work, request, quoteRanOut(row)));
    const move = advance(row.state, 'init', 'on_init');
    if (!move.ok) return void (await refuse(work, request, { code: move.code, message: move.message }));
    const difference = differenceFromQuote(row, wanted.selection);
    if (difference) return void (await refuse(work, request, difference));
    const broken = move.applied ? await withoutExcluded(work, rooms, row, excluded) : undefined;
    if (broken) return void (await refuse(work, request, broken));

    // Asked again, the same order is drawn up: its id stays, its references too.
    const id = (row.order_id as OrderId | null) ?? orderId(rooms.context.ids.uuid());
    const references = row.order_references ?? wanted.references;
    if (move.applied) {
      const drawn = await work.db
        .updateTable('flex_order')
        .set({
          state: move.state,
          order_id: id,
          order_references: JSON.stringify(references),
          updated_wall_at: new Date(rooms.context.wall.nowMs()),
        })
        .where('order_no', '=', row.order_no)
        .returningAll()
        .executeTakeFirstOrThrow();
      await auditOrder(work, drawn, 'drawn up');
    }
    const order = { orderId: id, selection: quotedSelection(row), references, quote: row.quote };
    await answer(work, request, encodeOnInit(order, rooms.context.wall.nowMs()));
  };
}

export function quoteRanOut(row: { quote_until_wall_at: Date }) {
  return { code: '40003', message: `the quote ran out at ${row.quote_until_wall_at.toISOString()}; select again` };
}
