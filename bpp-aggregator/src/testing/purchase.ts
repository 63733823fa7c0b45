/** Purchases of one BAP, step by step or whole. */
import { eventId, type FeederId, type OrderId, obpId } from '@flexder/protocol/beckn/identifiers.ts';
import {
  decodeOnInit,
  decodeOnSelect,
  decodeOnStatus,
  encodeConfirm,
  encodeInit,
  encodeSelect,
  type StatusAnswer,
} from '@flexder/protocol/flexibility/codec-v1.ts';
import type { FlexQuote, FlexSelection, OrderReferences, TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import type { Bench } from './bench.ts';
import { feederOf } from './portfolio.ts';
import type { Buyer } from './world.ts';

/** What is asked of one feeder. */
export interface Ask {
  readonly feeder: FeederId;
  readonly kw: number;
  readonly window: TimeWindow;
  /** Devices it must do without. */
  readonly excludedDerIds?: readonly string[];
}

export function selectionOf({ feeder, kw, window }: Ask): FlexSelection {
  return {
    providerId: 'agg-1',
    fulfillmentId: `window.${feeder}`,
    feederId: feeder,
    window,
    items: [{ itemId: `ev-charger.${feeder}`, kw }],
  };
}

export const REFERENCES: OrderReferences = {
  eventId: eventId('event-1'),
  obpId: obpId('obp-1'),
  obpIdSource: 'network-assigned',
  interventionClass: 'INCENTIVE',
};

const HALF_HOUR_MS = 1_800_000;

/**
 * For each test a feeder that no other used, and 50 kW asked of it from now on. Its devices are online with one reading
 * and behave, and what the aggregator says is acknowledged. `first` is the number of its first device.
 */
export function feedersInTurn(bench: Bench, dersEach: number): () => Promise<{ ask: Ask; first: number }> {
  let turn = 0;
  return async () => {
    bench.fleet.received.length = 0;
    bench.fleet.behave = () => ({});
    bench.world.answer = () => ({ status: 200, body: { message: { ack: { status: 'ACK' } } } });
    const startMs = bench.grid.nowMs();
    const first = turn * dersEach;
    const ask = { feeder: feederOf(turn++), kw: 50, window: { startMs, endMs: startMs + HALF_HOUR_MS } };
    await bench.report();
    return { ask, first };
  };
}

const SELECT_AGAIN = 5;

/** select, and its firm answer. */
export async function buyQuote(bench: Bench, buyer: Buyer, ask: Ask, transactionId = bench.world.newId()) {
  const selection = selectionOf(ask);
  const select = () => buyer.send('select', encodeSelect(selection, ask.excludedDerIds), { transactionId });
  let { status, body: reply } = await select();
  // What could not be stored in time was not taken: a sender sends it again.
  for (let again = 0; status === 503 && again < SELECT_AGAIN; again++) ({ status, body: reply } = await select());
  if (status !== 200) throw new Error(`select was answered ${status} ${JSON.stringify(reply)}`);
  const body = await bench.world.next('on_select', transactionId);
  if (body.error) return { error: body.error };
  const quote = decodeOnSelect(body as never);
  return {
    quote,
    firm: { ...selection, items: quote.items.map(({ itemId, kw: firmKw }) => ({ itemId, kw: firmKw })) },
  };
}

export async function buyInit(
  bench: Bench,
  buyer: Buyer,
  transactionId: string,
  firm: FlexSelection,
): Promise<OrderId> {
  await buyer.send('init', encodeInit({ selection: firm, references: REFERENCES }), { transactionId });
  const { orderId } = decodeOnInit((await bench.world.next('on_init', transactionId)) as never);
  if (!orderId) throw new Error('on_init gave no order id');
  return orderId;
}

export function confirmation(firm: FlexSelection, quote: FlexQuote, orderId: OrderId, nowMs: number) {
  return encodeConfirm({ orderId, selection: firm, references: REFERENCES, quote }, nowMs);
}

/** The whole purchase. */
export async function buy(bench: Bench, buyer: Buyer, ask: Ask) {
  const transactionId = bench.world.newId();
  const { quote, firm, error } = await buyQuote(bench, buyer, ask, transactionId);
  if (!quote || !firm) throw new Error(`no quote: ${error?.message}`);
  const orderId = await buyInit(bench, buyer, transactionId, firm);
  const sentMs = bench.context.wall.nowMs();
  await buyer.send('confirm', confirmation(firm, quote, orderId, sentMs), { transactionId });
  const confirmed = await bench.world.next('on_confirm', transactionId);
  return { transactionId, quote, firm, orderId, sentMs, confirmed };
}

export function reports(bench: Bench, transactionId: string): StatusAnswer[] {
  return bench.world.callbacks
    .filter(
      (body) => body.context.action === 'on_status' && body.context.transaction_id === transactionId && !body.error,
    )
    .map((body) => decodeOnStatus(body as never));
}
