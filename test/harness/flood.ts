/** Requests that arrive at their own times, however long answers take: an open load, from a seed. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BecknBody } from '@flexder/protocol/beckn/envelope.ts';
import { eventId } from '@flexder/protocol/beckn/identifiers.ts';
import { digestHeader, signMessage } from '@flexder/protocol/beckn/signature.ts';
import { decodeOnSelect, encodeSearch, type ValidBody } from '@flexder/protocol/flexibility/codec-v1.ts';
import { seededRandom } from '@flexder/runtime/random.ts';
import { Pool } from 'undici';
import type { Errand, Shopper } from './shopper.ts';

/** In the time of which an answer is of use, as every request of the flood says. */
export const TTL_MS = 30_000;
/** Connections of the flood: more would be closed by the service, and a person's network has as many. */
const CONNECTIONS = 1_000;
/** Shares of what is asked; the rest asks for a price. */
const SEARCHES = 0.1;
const INITS = 0.25;

type Kind = 'search' | 'select' | 'init';

export interface Request {
  readonly kind: Kind;
  readonly messageId: string;
  readonly transactionId: string;
  readonly sentMs: number;
  /** HTTP status; 0 where no answer came. */
  status: number;
  retryAfter: string | undefined;
  /** Its answers, and when the first of them came. */
  answers: number;
  answeredMs: number | undefined;
}

export interface FloodOptions {
  readonly shopper: Shopper;
  /** What is asked for, anew each time. */
  errand(): Errand;
  readonly perSecond: number;
  readonly seconds: number;
  readonly seed: number;
}

/** Sends until the time is over and every request has heard something; what was promised may come later. */
export async function flood({ shopper, errand, perSecond, seconds, seed }: FloodOptions): Promise<Request[]> {
  const { party } = shopper;
  const random = seededRandom(`flood ${seed}`);
  const requests = new Map<string, Request>();
  const quoted: Errand[] = [];
  const errands = new Map<string, Errand>();
  party.react = async (body) => {
    const request = requests.get(body.context.message_id);
    if (!request || body.context.action !== `on_${request.kind}`) return;
    request.answers++;
    request.answeredMs ??= performance.now();
    const of = errands.get(request.messageId);
    if (of && request.kind === 'select' && !body.error) quoted.push(withQuote(of, body));
  };

  const kindOf = (): Kind => {
    const share = random.next();
    if (share < SEARCHES) return 'search';
    return share < SEARCHES + INITS && quoted.length > 0 ? 'init' : 'select';
  };
  function compose(): { request: Request; action: Kind; body: Buffer; origin: string } {
    const kind = kindOf();
    const of = kind === 'init' ? quoted.pop()! : errand();
    const context = party.contextOf(kind, of.bpp, { transactionId: of.transactionId });
    const message = kind === 'search' ? searchOf(of) : shopper.contentOf(kind, of);
    const messageId = String(context.message_id);
    const { transactionId } = of;
    const sentMs = performance.now();
    const unheard = { status: 0, retryAfter: undefined, answers: 0, answeredMs: undefined };
    const request: Request = { kind, messageId, transactionId, sentMs, ...unheard };
    requests.set(messageId, request);
    errands.set(messageId, of);
    return { request, action: kind, body: Buffer.from(JSON.stringify({ context, message })), origin: of.bpp.url };
  }
  function headersOf(body: Uint8Array): Record<string, string> {
    const createdS = Math.floor(Date.now() / 1000);
    const { keyId, signingSeed: seed } = party.keys;
    const by = { subscriberId: party.id as never, keyId, seed, createdS, expiresS: createdS + TTL_MS / 1000 };
    const authorization = signMessage({ body, ...by });
    return { 'content-type': 'application/json', authorization, digest: digestHeader(body) };
  }

  const pool = new Pool(new URL(errand().bpp.url).origin, { connections: CONNECTIONS });
  const underWay = new Set<Promise<void>>();
  async function send(): Promise<void> {
    const { request, action, body, origin } = compose();
    const path = `${new URL(origin).pathname}/${action}`;
    try {
      const answer = await pool.request({ path, method: 'POST', headers: headersOf(body), body });
      await answer.body.dump();
      request.status = answer.statusCode;
      request.retryAfter = answer.headers['retry-after'] as string | undefined;
    } catch {
      // Nothing was promised.
    }
  }
  const startedMs = performance.now();
  for (let atMs = startedMs; atMs < startedMs + seconds * 1000; ) {
    // Times between arrivals of a Poisson process: some come together.
    atMs += (-Math.log(1 - random.next()) * 1000) / perSecond;
    if (atMs > performance.now()) await sleep(atMs - performance.now());
    const sending = send();
    underWay.add(sending);
    void sending.finally(() => underWay.delete(sending));
  }
  await Promise.all(underWay);
  await pool.destroy();
  return [...requests.values()];
}

const withQuote = (of: Errand, body: BecknBody): Errand =>
  Object.assign(of, { quote: decodeOnSelect(body as ValidBody), state: 'quoted' });

function searchOf({ selection: { feederId, window } }: Errand): object {
  return encodeSearch({
    ...{ eventId: eventId('event-of-the-flood'), feederId, direction: 'TURN_DOWN', requestedKw: 1, window },
    ...{ maxPriceGbpPerKwh: 5, minReliability: 0, maxResponseSeconds: 60, interventionClass: 'INCENTIVE' },
  });
}

/** The value below which this share of them lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
