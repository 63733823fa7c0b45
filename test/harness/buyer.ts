/** What a BAP of the test's own buys from an aggregator, one message after the other. */
import type { RequestAction } from '@flexder/protocol/beckn/actions.ts';
import type { BecknBody, BecknError } from '@flexder/protocol/beckn/envelope.ts';
import { eventId, feederId, type OrderId, obpId, orderId } from '@flexder/protocol/beckn/identifiers.ts';
import {
  decodeOnInit,
  decodeOnSelect,
  encodeCancel,
  encodeConfirm,
  encodeInit,
  encodeSelect,
  encodeStatus,
  encodeUpdate,
  type ValidBody,
} from '@flexder/protocol/flexibility/codec-v1.ts';
import type { FlexQuote, FlexSelection, OrderReferences, TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import { expectAck } from './arena.ts';
import type { Address, Counterparty } from './counterparty.ts';
import type { TestNetwork } from './network.ts';

/** What buying needs of a network. */
type Market = Pick<TestNetwork, 'context' | 'scenario' | 'settle'>;

const REFERENCES: OrderReferences = {
  eventId: eventId('event-1'),
  obpId: obpId('obp-1'),
  obpIdSource: 'network-assigned',
  interventionClass: 'INCENTIVE',
};
const HALF_HOUR_MS = 1_800_000;

/** One transaction, with what is known of its order. */
export interface Purchase {
  readonly transactionId: string;
  selection: FlexSelection;
  quote?: FlexQuote;
  orderId?: OrderId;
}

export interface Outcome {
  readonly body: BecknBody;
  readonly error: BecknError | undefined;
}

export type Step = Extract<RequestAction, 'select' | 'init' | 'confirm' | 'cancel' | 'status' | 'update'>;

export function createBuyer(net: Market, party: Counterparty, bpp: Address, providerId: string) {
  const feeder = feederId(net.scenario.feeders[0]!.feederId);
  const nowMs = () => net.context.wall.nowMs();

  function purchase(kw: number, window: TimeWindow = halfHour()): Purchase {
    const items = [{ itemId: `battery.${feeder}`, kw }];
    const place = { providerId, fulfillmentId: `window.${feeder}`, feederId: feeder };
    return { transactionId: net.context.ids.uuid(), selection: { ...place, window, items } };
  }

  const halfHour = () => ({ startMs: net.context.grid.nowMs(), endMs: net.context.grid.nowMs() + HALF_HOUR_MS });

  /** The message of a step, with made-up parts where the order never got so far. */
  function contentOf(
    step: Step,
    { selection, quote, orderId: id = orderId(net.context.ids.uuid()) }: Purchase,
  ): object {
    const items = selection.items.map((item) => ({ ...item, priceGbpPerKwh: 0.4 }));
    const madeUp = { quoteId: net.context.ids.uuid(), items, totalKw: 1, totalGbp: 1, validUntilMs: nowMs() + 30_000 };
    const firm = quote ?? madeUp;
    const agreed = { ...selection, items: firm.items.map(({ itemId, kw }) => ({ itemId, kw })) };
    switch (step) {
      case 'select':
        return encodeSelect(selection);
      case 'init':
        return encodeInit({ selection: agreed, references: REFERENCES });
      case 'confirm':
        return encodeConfirm({ orderId: id, selection: agreed, references: REFERENCES, quote: firm }, nowMs());
      case 'cancel':
        return encodeCancel({ orderId: id, reasonId: '001', note: 'not needed' });
      case 'status':
        return encodeStatus(id);
      case 'update':
        return encodeUpdate({ orderId: id, items: agreed.items.map((item) => ({ ...item, kw: item.kw / 2 })) });
    }
  }

  /** Sends without waiting for what comes of it; the ACK is waited for. */
  async function send(step: Step, of: Purchase): Promise<void> {
    const message = contentOf(step, of);
    expectAck(await party.send(bpp, step, { message }, { transactionId: of.transactionId }), step);
  }

  /** The answer to a step, taken over into the purchase. */
  function heard(step: Step, of: Purchase): Outcome {
    const body = party.last(`on_${step}`, of.transactionId);
    if (!body) throw new Error(`no on_${step} came`);
    if (!body.error && step === 'select') of.quote = decodeOnSelect(body as ValidBody);
    if (!body.error && step === 'init') of.orderId = decodeOnInit(body as ValidBody).orderId;
    return { body, error: body.error };
  }

  async function take(step: Step, of: Purchase): Promise<Outcome> {
    await send(step, of);
    await net.settle();
    return heard(step, of);
  }

  /** Takes all these steps; throws when one is refused. */
  async function reach(of: Purchase, ...steps: readonly Step[]): Promise<Purchase> {
    for (const step of steps) {
      const { error } = await take(step, of);
      if (error) throw new Error(`${step} was refused: ${error.code} ${error.message}`);
    }
    return of;
  }

  return { purchase, contentOf, send, heard, take, reach };
}

export type Buyer = ReturnType<typeof createBuyer>;
