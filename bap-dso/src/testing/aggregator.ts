/** An aggregator that answers as a good one would; a test replaces the answers it is about. */
import type { OrderId } from '@flexder/protocol/beckn/identifiers.ts';
import {
  type ChangedCommitment,
  decodeConfirm,
  decodeInit,
  decodeSelect,
  encodeCatalogue,
  encodeOnCancel,
  encodeOnConfirm,
  encodeOnInit,
  encodeOnSelect,
  encodeOnStatus,
  type UpdatedOrder,
  type ValidBody,
} from '@flexder/protocol/flexibility/codec-v1.ts';
import type {
  DeviceAnswers,
  DispatchReport,
  FlexOffer,
  FlexQuote,
  FlexSelection,
  FulfilmentState,
  LeftOutCount,
  MeterReference,
  Performance,
} from '@flexder/protocol/flexibility/model.ts';
import type { OutgoingMessage } from '@flexder/runtime/participant/types.ts';
import { offer } from './offers.ts';
import type { Answer, Script, Trade } from './trade.ts';

export interface Habits {
  readonly offer?: Partial<FlexOffer>;
  /** What it says it left out of its catalogue, at the feeder of its offer. */
  readonly leftOut?: readonly LeftOutCount[];
  /** Share of what is asked that is quoted. */
  readonly quoteShare?: number;
  /** Actions that are left unanswered. */
  readonly silentOn?: readonly string[];
  /** Actions that are answered with an error. */
  readonly refuses?: readonly string[];
}

const bodyOf = (sent: OutgoingMessage) => ({ message: sent.message }) as ValidBody;
export const orderIdOf = (transactionId: string, bppId: string) => `order-${bppId}-${transactionId}` as OrderId;

export function aggregator(bppId: string, habits: Habits = {}): Script {
  return (sent, trade) => {
    if (habits.silentOn?.includes(sent.action)) return undefined;
    if (habits.refuses?.includes(sent.action)) return { error: { code: '40000', message: 'not today' } };
    return answerTo(bppId, sent, trade, habits);
  };
}

function answerTo(bppId: string, sent: OutgoingMessage, trade: Trade, habits: Habits): Answer | undefined {
  const nowMs = trade.wall.nowMs();
  const orderId = orderIdOf(sent.transactionId, bppId);
  switch (sent.action) {
    case 'search': {
      const availability = { startMs: trade.grid.nowMs(), endMs: trade.grid.nowMs() + 4 * 3_600_000 };
      const block = offer(bppId, { availability, ...habits.offer });
      const offers = block.availableKw > 0 ? [block] : [];
      const leftOut = [{ ...block, window: availability, reasons: habits.leftOut ?? [] }];
      return { message: encodeCatalogue(block.providerId, bppId, offers, leftOut) };
    }
    case 'select': {
      const asked = decodeSelect(bodyOf(sent));
      return { message: encodeOnSelect(asked, quoteOf(asked.items, habits, nowMs), nowMs) };
    }
    case 'init': {
      const { selection, references } = decodeInit(bodyOf(sent));
      return {
        message: encodeOnInit(
          { orderId, selection, references, quote: quoteOf(selection.items, { ...habits, quoteShare: 1 }, nowMs) },
          nowMs,
        ),
      };
    }
    case 'confirm': {
      const { selection, references } = decodeConfirm(bodyOf(sent));
      const quote = quoteOf(selection.items, { ...habits, quoteShare: 1 }, nowMs);
      const commitment = { committedKw: quote.totalKw, baselineKw: quote.totalKw };
      return { message: encodeOnConfirm({ orderId, selection, references, quote, commitment }, nowMs) };
    }
    default:
      return undefined;
  }
}

function quoteOf(items: readonly { itemId: string; kw: number }[], habits: Habits, nowMs: number) {
  const priceGbpPerKwh = habits.offer?.priceGbpPerKwh ?? 0.4;
  const firm = items.map(({ itemId, kw }) => ({
    itemId,
    kw: Math.round(kw * (habits.quoteShare ?? 1) * 10) / 10,
    priceGbpPerKwh,
  }));
  const totalKw = firm.reduce((sum, item) => sum + item.kw, 0);
  const quoteId = '6f1b0c9e-6f0a-4b57-9f67-1c1d2d7a9c01';
  return {
    quoteId,
    items: firm,
    totalKw,
    totalGbp: Math.round(totalKw * priceGbpPerKwh * 100) / 100,
    validUntilMs: nowMs + 30_000,
  };
}

type Row = Awaited<ReturnType<Trade['orders']>>[number];

function facts(order: Row) {
  return {
    orderId: (order.order_id ?? orderIdOf(order.transaction_id, order.bpp_id)) as OrderId,
    selection: order.selection,
    references: {
      eventId: order.event_id as never,
      obpId: order.obp_id as never,
      obpIdSource: 'network-assigned' as const,
      interventionClass: 'INCENTIVE' as const,
    },
  };
}

/** An order as it is after a change. */
export function changedFacts(
  order: Row,
  selection: FlexSelection,
  { revision, fromMs }: { revision: number; fromMs: number },
): UpdatedOrder {
  const committedKw = selection.items.reduce((sum, item) => sum + item.kw, 0);
  const quote = order.quote as FlexQuote;
  const { priceGbpPerKwh } = quote.items[0]!;
  const items = selection.items.map((item) => ({ ...item, priceGbpPerKwh }));
  return {
    ...facts(order),
    selection,
    fulfilment: 'SCHEDULED',
    changed: { committedKw, baselineKw: committedKw, revision, fromMs },
    quote: { ...quote, items, totalKw: committedKw },
  };
}

export function statusOf(
  trade: Trade,
  order: Row,
  fulfilment: FulfilmentState,
  more: {
    dispatch?: DispatchReport;
    meterReference?: MeterReference;
    performance?: Performance;
    devices?: DeviceAnswers;
    changed?: ChangedCommitment;
  } = {},
): Answer {
  const performance =
    fulfilment === 'COMPLETED'
      ? { deliveredKwh: 10, ratio: 1, baselineMethod: 'mean-5-minutes-before', intervals: [] }
      : undefined;
  return {
    message: encodeOnStatus(
      { ...facts(order), fulfilment, ...(performance && { performance }), ...more },
      trade.wall.nowMs(),
    ),
  };
}

export function cancelledBy(trade: Trade, order: Row, by: 'CONSUMER' | 'PROVIDER'): Answer {
  const cancellation = { by, reasonId: '001', note: 'devices are gone', atMs: trade.wall.nowMs() };
  return { message: encodeOnCancel({ ...facts(order), cancellation }, trade.wall.nowMs()) };
}

export function dispatched(trade: Trade, changes: Partial<DispatchReport> = {}): DispatchReport {
  const atMs = trade.wall.nowMs() + 150;
  return {
    commands: 8,
    firstAtMs: atMs,
    lastAtMs: atMs,
    accepted: 8,
    rejected: 0,
    optedOut: 0,
    expired: 0,
    silent: 0,
    acknowledgedKw: 80,
    closed: true,
    ...changes,
  };
}
