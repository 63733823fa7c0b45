/** A BAP and a BPP in one network, for one test file: what they heard and could not deliver, and what the BPP does. */
import { randomUUID } from 'node:crypto';
import { orderId, type TransactionId, transactionId } from '@flexder/protocol/beckn/identifiers.ts';
import { STORE_TIMEOUT_MS } from '@flexder/runtime/participant/limits.ts';
import type { ParticipantTables } from '@flexder/runtime/participant/open.ts';
import type { InboundMessage, OutgoingMessage, Undelivered, UnitOfWork } from '@flexder/runtime/participant/types.ts';
import type { Kysely } from 'kysely';
import { type Network, openNetwork, type Peer } from './network.ts';

export const newTransaction = () => transactionId(randomUUID());
export const tablesOf = (peer: Peer) => peer.participant.database as unknown as Kysely<ParticipantTables>;

export function statusTo(bpp: Peer, transaction: TransactionId, ttlMs = 30_000): OutgoingMessage {
  const message = { order_id: orderId(randomUUID()) };
  return { action: 'status', to: bpp.config.subscriberId, toType: 'BPP', transactionId: transaction, ttlMs, message };
}

export async function until(what: string, true_: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (await true_()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`never happened: ${what}`);
}

export const answerOf = (work: UnitOfWork<unknown>, { signerId, body }: InboundMessage) =>
  work.send({
    action: 'on_status',
    to: signerId,
    toType: 'BAP',
    transactionId: body.context.transaction_id,
    messageId: body.context.message_id,
    ttlMs: 30_000,
    error: { code: '30010', message: 'order not found' },
  });

export interface Pair {
  readonly network: Network;
  readonly bap: Peer;
  readonly bpp: Peer;
  /** Of the test that runs. */
  readonly requests: InboundMessage[];
  readonly answers: InboundMessage[];
  readonly undelivered: Undelivered[];
  readonly hooks: { onUndelivered(work: unknown, lost: Undelivered): Promise<void> };
  /** What the BPP's handler does besides counting. */
  behaviour: (work: UnitOfWork<unknown>, message: InboundMessage) => Promise<void>;
  settled(): Promise<void>;
}

/** To be called in a `describe`. */
export function usePair(): Pair {
  const lists = { requests: [] as InboundMessage[], answers: [] as InboundMessage[], undelivered: [] as Undelivered[] };
  const pair = {
    ...lists,
    hooks: { onUndelivered: async (_: unknown, lost: Undelivered) => void lists.undelivered.push(lost) },
    behaviour: async () => {},
    settled: () => until('nothing in flight', () => pair.bap.context.activity.inFlight === 0),
  } as unknown as { -readonly [K in keyof Pair]: Pair[K] };
  before(async function () {
    this.timeout(60_000);
    pair.network = await openNetwork();
    pair.bap = await pair.network.peer({ id: 'bap.example', type: 'BAP' });
    const { wall } = pair.network.context('bpp.example');
    // The pauses between a handler's attempts, fifty times as fast; the bound of a write as it is.
    const hasty = {
      ...wall,
      sleep: (ms: number, signal?: AbortSignal) => wall.sleep(ms === STORE_TIMEOUT_MS ? ms : ms / 50, signal),
    };
    pair.bpp = await pair.network.peer({ id: 'bpp.example', type: 'BPP', context: { wall: hasty } });
    await pair.bpp.participant.serve(
      {
        async status(work, message) {
          lists.requests.push(message);
          await pair.behaviour(work, message);
        },
      },
      pair.hooks,
    );
    await pair.bap.participant.serve(
      { on_status: async (_work, message) => void lists.answers.push(message) },
      pair.hooks,
    );
  });
  beforeEach(() => {
    pair.behaviour = async () => {};
    for (const list of Object.values(lists)) list.length = 0;
  });
  after(() => pair.network.close());
  return pair;
}
