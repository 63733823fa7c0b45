/** A BAP of the test's own that buys from aggregators as processes, and does not give up before a message's time is over. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BecknBody } from '@flexder/protocol/beckn/envelope.ts';
import { eventId, feederId, type OrderId, obpId } from '@flexder/protocol/beckn/identifiers.ts';
import {
  decodeOnInit,
  decodeOnSelect,
  decodeOnStatus,
  encodeCancel,
  encodeConfirm,
  encodeInit,
  encodeSelect,
  type ValidBody,
} from '@flexder/protocol/flexibility/codec-v1.ts';
import type { DispatchReport, FlexQuote, FlexSelection, OrderReferences } from '@flexder/protocol/flexibility/model.ts';
import { Activity } from '@flexder/runtime/activity.ts';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import { type Context, systemIds } from '@flexder/runtime/context.ts';
import { createOutbound } from '@flexder/runtime/http/safe-outbound.ts';
import { createMetrics } from '@flexder/runtime/metrics.ts';
import { recordingLogger } from '@flexder/runtime/testing/quiet.ts';
import { type Address, type Counterparty, openCounterparty } from './counterparty.ts';

export type Verb = 'select' | 'init' | 'confirm' | 'cancel';

export interface Asked {
  readonly verb: Verb;
  readonly messageId: string;
  /** It was acknowledged: then there has to be an answer, or an alarm. */
  readonly acked: boolean;
  /** HTTP status of each try; 0 where no answer came. */
  readonly tries: readonly number[];
  /** Why the first try was not acknowledged, as its answer said. */
  readonly refusal?: { readonly code?: string; readonly retryAfter?: string };
}

/** One transaction, from this side. */
export interface Errand {
  readonly transactionId: string;
  readonly bpp: Address;
  readonly selection: FlexSelection;
  readonly asked: Asked[];
  quote?: FlexQuote;
  orderId?: OrderId;
  /** How far it came; `refused` has `refusal`. */
  state: 'new' | 'quoted' | 'initialised' | 'confirmed' | 'cancelled' | 'refused' | 'unanswered' | 'not-acked';
  refusal?: string;
}

export interface Order {
  readonly feeder: string;
  readonly providerId: string;
  readonly kw: number;
  readonly types?: readonly ('battery' | 'ev-charger' | 'heat-pump')[];
  readonly seconds?: number;
}

const REFERENCES: OrderReferences = {
  eventId: eventId('event-of-the-test'),
  obpId: obpId('obp-of-the-test'),
  obpIdSource: 'network-assigned',
  interventionClass: 'INCENTIVE',
};
const TTL_MS = 30_000;
/** An answer waits out a restart of who gives it and of who fetches it. */
const ANSWER_MS = 45_000;
/** A window that has begun is not sold any more. */
const LEAD_MS = 5_000;
const AGAIN_MS = 250;
const POLL_MS = 25;

export type Shopper = Awaited<ReturnType<typeof openShopper>>;

export async function openShopper(registryUrl: string, id = 'buyer.example.com') {
  const wall = systemWallClock();
  const parts = { wall, ids: systemIds(), activity: new Activity(), http: createOutbound({ wall }) };
  const context = { ...parts, log: recordingLogger(), metrics: createMetrics('buyer') } as unknown as Context;
  const party: Counterparty = await openCounterparty(
    { context, registry: { url: registryUrl } as never },
    { id, type: 'BAP' },
  );
  const newId = () => context.ids.uuid();

  function errand(bpp: Address, { feeder, providerId, kw, types = ['battery'], seconds = 600 }: Order): Errand {
    const startMs = Date.now() + LEAD_MS;
    const selection: FlexSelection = {
      providerId,
      fulfillmentId: `window.${feeder}`,
      feederId: feederId(feeder),
      window: { startMs, endMs: startMs + seconds * 1000 },
      items: types.map((type) => ({ itemId: `${type}.${feeder}`, kw: kw / types.length })),
    };
    return { transactionId: newId(), bpp, selection, asked: [], state: 'new' };
  }

  function contentOf(verb: Verb, { selection, quote, orderId, state, refusal }: Errand): object {
    if (verb !== 'select' && !quote) throw new Error(`no ${verb}: this errand is ${state} (${refusal ?? ''})`);
    const items = quote?.items.map(({ itemId, kw }) => ({ itemId, kw })) ?? selection.items;
    const agreed = { ...selection, items };
    if (verb === 'select') return encodeSelect(selection);
    if (verb === 'init') return encodeInit({ selection: agreed, references: REFERENCES });
    if (verb === 'cancel') return encodeCancel({ orderId: orderId!, reasonId: '001', note: 'not needed' });
    return encodeConfirm({ orderId: orderId!, selection: agreed, references: REFERENCES, quote: quote! }, Date.now());
  }

  /** The same bytes, signed anew, until they are acknowledged, refused for good, or too old. */
  async function send(verb: Verb, of: Errand): Promise<Asked> {
    const messageId = newId();
    const context = party.contextOf(verb, of.bpp, { transactionId: of.transactionId, messageId });
    const body = Buffer.from(JSON.stringify({ context, message: contentOf(verb, of) }));
    const tries: number[] = [];
    let refusal: Asked['refusal'];
    for (const untilMs = Date.now() + TTL_MS; ; await sleep(AGAIN_MS)) {
      const answer = await party.post(of.bpp, verb, body).catch(() => undefined);
      const status = answer?.status ?? 0;
      if (answer && status !== 200 && tries.length === 0)
        refusal = { code: answer.body.error?.code, retryAfter: answer.headers.get('retry-after') };
      tries.push(status);
      const final = status > 0 && status < 500 && status !== 429;
      if (!final && Date.now() < untilMs) continue;
      const asked = { verb, messageId, acked: status === 200, tries, refusal };
      of.asked.push(asked);
      return asked;
    }
  }

  const answersTo = ({ transactionId }: Errand, { verb, messageId }: Asked): BecknBody[] =>
    party.received.filter(
      ({ context: c }) => c.transaction_id === transactionId && c.action === `on_${verb}` && c.message_id === messageId,
    );

  async function answerTo(of: Errand, asked: Asked, waitMs = ANSWER_MS): Promise<BecknBody | undefined> {
    for (const untilMs = Date.now() + waitMs; ; await sleep(POLL_MS)) {
      const [answer] = answersTo(of, asked);
      if (answer || Date.now() > untilMs) return answer;
    }
  }

  const REACHED = { select: 'quoted', init: 'initialised', confirm: 'confirmed', cancel: 'cancelled' } as const;

  /** One exchange; the errand says what came of it. */
  async function ask(verb: Verb, of: Errand): Promise<Errand> {
    const asked = await send(verb, of);
    return asked.acked ? heard(of, asked) : Object.assign(of, { state: 'not-acked' });
  }

  async function heard(of: Errand, asked: Asked): Promise<Errand> {
    const body = await answerTo(of, asked);
    if (!body) return Object.assign(of, { state: 'unanswered' });
    if (body.error) return Object.assign(of, { state: 'refused', refusal: `${body.error.code} ${body.error.message}` });
    if (asked.verb === 'select') of.quote = decodeOnSelect(body as ValidBody);
    if (asked.verb === 'init') of.orderId = decodeOnInit(body as ValidBody).orderId;
    return Object.assign(of, { state: REACHED[asked.verb] });
  }

  /** Takes these steps until one is not answered as wished: then `state` says how. */
  async function buy(of: Errand, ...verbs: readonly Verb[]): Promise<Errand> {
    for (const verb of verbs) {
      await ask(verb, of);
      if (of.state !== REACHED[verb]) break;
    }
    return of;
  }

  const reports = ({ transactionId }: Errand) =>
    party.received
      .filter(({ context: c, error }) => c.action === 'on_status' && c.transaction_id === transactionId && !error)
      .map((body) => decodeOnStatus(body as ValidBody));

  /** The last dispatch report, once its answers are closed. */
  async function closed(of: Errand, waitMs = ANSWER_MS): Promise<DispatchReport | undefined> {
    for (const untilMs = Date.now() + waitMs; ; await sleep(POLL_MS)) {
      const dispatch = reports(of).findLast((report) => report.dispatch?.closed)?.dispatch;
      if (dispatch || Date.now() > untilMs) return dispatch;
    }
  }

  return {
    ...{ party, errand, contentOf, send, heard, answersTo, ask, buy, reports, closed },
    async close() {
      await party.close();
      await context.http.close();
    },
  };
}
