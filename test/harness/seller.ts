/** An aggregator of the test's own that offers much for little and answers every request as a good one would. */
import { type CallbackAction, callbackOf, type RequestAction } from '@flexder/protocol/beckn/actions.ts';
import type { BecknBody } from '@flexder/protocol/beckn/envelope.ts';
import { type OrderId, orderId } from '@flexder/protocol/beckn/identifiers.ts';
import {
  decodeConfirm,
  decodeInit,
  decodeSelect,
  encodeCatalogue,
  encodeOnCancel,
  encodeOnConfirm,
  encodeOnInit,
  encodeOnSelect,
  encodeOnStatus,
  encodeOnUpdate,
  type ValidBody,
} from '@flexder/protocol/flexibility/codec-v1.ts';
import type { FlexOffer, FlexSelection, OrderReferences } from '@flexder/protocol/flexibility/model.ts';
import { offerOf } from './baseline.ts';
import type { Address, Counterparty } from './counterparty.ts';
import type { TestNetwork } from './network.ts';
import type { WireAnswer } from './wire.ts';

/** An order as this seller knows it. */
export interface SoldOrder {
  readonly transactionId: string;
  readonly orderId: OrderId;
  readonly selection: FlexSelection;
  readonly references: OrderReferences;
}

export interface Seller {
  /** Confirmed. */
  readonly sold: readonly SoldOrder[];
  /** What its answers were answered with. */
  readonly answers: readonly { readonly action: string; readonly answer: WireAnswer }[];
  /** A callback for an order, with a fresh message id. */
  say(action: CallbackAction, order: SoldOrder, by?: Counterparty): Promise<WireAnswer>;
}

export function startSeller(
  net: TestNetwork,
  party: Counterparty,
  dso: Address,
  terms: Partial<FlexOffer> = {},
): Seller {
  const sold: SoldOrder[] = [];
  const answers: { action: string; answer: WireAnswer }[] = [];
  const offer = offerOf(net, party.id, terms);

  const quoteOf = (selection: FlexSelection) => {
    const items = selection.items.map((item) => ({ ...item, priceGbpPerKwh: offer.priceGbpPerKwh }));
    const totalKw = items.reduce((sum, { kw }) => sum + kw, 0);
    const quoteId = '6f1b0c9e-6f0a-4b57-9f67-1c1d2d7a9c01';
    return { quoteId, items, totalKw, totalGbp: 1, validUntilMs: net.context.wall.nowMs() + 30_000 };
  };

  function messageOf(action: CallbackAction, order: SoldOrder): object {
    const { selection } = order;
    const [nowMs, quote] = [net.context.wall.nowMs(), quoteOf(order.selection)];
    switch (action) {
      case 'on_search':
        return encodeCatalogue(offer.providerId, 'Seller', [offerOf(net, party.id, terms)]);
      case 'on_select':
        return encodeOnSelect(selection, quote, nowMs);
      case 'on_init':
        return encodeOnInit({ ...order, quote }, nowMs);
      case 'on_confirm':
        return encodeOnConfirm({ ...order, quote, commitment: { committedKw: quote.totalKw, baselineKw: 60 } }, nowMs);
      case 'on_status':
        return encodeOnStatus({ ...order, fulfilment: 'IN_PROGRESS' }, nowMs);
      case 'on_cancel':
        return encodeOnCancel(
          { ...order, cancellation: { by: 'PROVIDER', reasonId: '001', note: 'devices are gone', atMs: nowMs } },
          nowMs,
        );
      case 'on_update': {
        const fromMs = net.context.grid.nowMs();
        const changed = { committedKw: quote.totalKw, baselineKw: 60, revision: 1, fromMs };
        return encodeOnUpdate({ ...order, fulfilment: 'IN_PROGRESS', changed, quote }, nowMs);
      }
      default:
        throw new Error(`this seller does not say ${action}`);
    }
  }

  party.react = async (body: BecknBody) => {
    const { transaction_id: transactionId, message_id: messageId, action } = body.context;
    const asked = orderIn(body as ValidBody, action, transactionId);
    if (!asked) return;
    const callback = callbackOf(action as RequestAction);
    const content = { message: messageOf(callback, asked) };
    answers.push({ action: callback, answer: await party.send(dso, callback, content, { transactionId, messageId }) });
    if (action === 'confirm') sold.push(asked);
  };

  return {
    sold,
    answers,
    say: (action, order, by = party) =>
      by.send(dso, action, { message: messageOf(action, order) }, { transactionId: order.transactionId }),
  };
}

/** What a request asks for; undefined for one this seller leaves unanswered. */
function orderIn(body: ValidBody, action: string, transactionId: string): SoldOrder | undefined {
  const nothing = { selection: { items: [] } as unknown as FlexSelection, references: {} as OrderReferences };
  const named = { transactionId, orderId: orderId(`order-${transactionId}`) };
  switch (action) {
    case 'search':
      return { ...named, ...nothing };
    case 'select':
      return { ...named, ...nothing, selection: decodeSelect(body) };
    case 'init':
      return { ...named, ...decodeInit(body) };
    case 'confirm': {
      const { selection, references } = decodeConfirm(body);
      return { ...named, selection, references };
    }
    default:
      return undefined;
  }
}
