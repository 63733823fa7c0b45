/** Who can be asked, and who lately did not answer. */
import type { SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import type { Context } from '@flexder/runtime/context.ts';
import type { SubscriberRecord } from '@flexder/runtime/participant/types.ts';
import { COUNTERPARTIES_FRESH_MS, GATHER_CATALOGUES, UNRESPONSIVE_MS } from '../../limits.ts';
import type { Trader } from '../desk.ts';

/** `catalogue`: left a search unanswered, so it is not waited for. `order`: left an order unanswered, so none is placed. */
export type Silence = 'catalogue' | 'order';

export class Counterparties {
  readonly #context: Context;
  readonly #participant: Pick<Trader, 'subscribers'>;
  readonly #silentUntil: Record<Silence, Map<string, number>> = { catalogue: new Map(), order: new Map() };
  #gateway: SubscriberId | undefined;
  #bpps: readonly SubscriberId[] = [];
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(context: Context, participant: Pick<Trader, 'subscribers'>) {
    this.#context = context;
    this.#participant = participant;
  }

  /**
   * The gateway and the BPPs. What is known is used at once and renewed behind; only when nobody is known the registry
   * is waited for, since an overload has no time for a look-up.
   */
  async known(): Promise<{ readonly gateway: SubscriberId | undefined; readonly bpps: readonly SubscriberId[] }> {
    const ageMs = this.#context.wall.monotonicMs() - this.#readAtMs;
    const nobody = this.#gateway === undefined && this.#bpps.length === 0;
    if (nobody) await this.refresh();
    else if (ageMs > COUNTERPARTIES_FRESH_MS) void this.refresh();
    return { gateway: this.#gateway, bpps: this.#bpps };
  }

  /** Reads the registry, once however many ask. A registry that is away leaves what was known. */
  refresh(): Promise<void> {
    this.#reading ??= this.#context.activity
      .track('registry', () => this.#read())
      .catch((error) => this.#context.log.warn({ error: String(error) }, 'the registry could not be read'))
      .finally(() => {
        this.#reading = undefined;
      });
    return this.#reading;
  }

  silent(bppId: string, what: Silence): void {
    const map = this.#silentUntil[what];
    if (map.size >= GATHER_CATALOGUES) map.delete(map.keys().next().value!);
    map.set(bppId, this.#context.wall.monotonicMs() + UNRESPONSIVE_MS);
    this.#context.metrics.count('bap_unresponsive_total', { what });
  }

  answered(bppId: string, what: Silence): void {
    this.#silentUntil[what].delete(bppId);
  }

  unresponsive(what: Silence): ReadonlySet<string> {
    const nowMs = this.#context.wall.monotonicMs();
    return new Set([...this.#silentUntil[what]].filter(([, untilMs]) => untilMs > nowMs).map(([bppId]) => bppId));
  }

  async #read(): Promise<void> {
    const [gateways, bpps] = await Promise.all([
      this.#participant.subscribers('BG'),
      this.#participant.subscribers('BPP'),
    ]);
    this.#gateway = ids(gateways)[0];
    this.#bpps = ids(bpps).slice(0, GATHER_CATALOGUES);
    this.#readAtMs = this.#context.wall.monotonicMs();
  }
}

function ids(records: readonly SubscriberRecord[]): SubscriberId[] {
  return [...new Set(records.map((record) => record.subscriberId))].sort();
}
