/** Orders at a steady rate, from a buyer that is no part of the network. */
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '@flexder/runtime/random.ts';
import type { Errand } from '../harness/shopper.ts';
import type { Field } from './field.ts';
import type { ChaosOptions } from './plan.ts';

/** Devices are free again soon: a few hundred of them serve many orders. */
const WINDOW_S = 25;
const FEEDERS = 3;
const CANCEL_SHARE = 0.1;
const TYPES = ['battery', 'ev-charger', 'heat-pump'] as const;

/** Resolves when every order has come to its end on the buyer's side. */
export async function placeOrders({ cluster, shopper }: Field, options: ChaosOptions): Promise<Errand[]> {
  const random = seededRandom(`orders/${options.seed}`);
  const everyMs = (options.seconds * 1000) / options.orders;
  const errands: Errand[] = [];
  const going: Promise<unknown>[] = [];
  const startMs = Date.now();
  for (let i = 0; i < options.orders; i++) {
    const waitMs = startMs + i * everyMs - Date.now();
    if (waitMs > 0) await sleep(waitMs);
    const which = 1 + (i % 2);
    const of = shopper.errand(cluster.bpp(which), {
      feeder: `feeder-${1 + Math.floor(random.between(0, FEEDERS))}`,
      providerId: `provider-${which}`,
      kw: random.between(1.5, 5),
      types: [TYPES[random.between(0, 1) < 0.7 ? 0 : 1 + Math.floor(random.between(0, 2))]!],
      seconds: WINDOW_S,
    });
    errands.push(of);
    const cancels = random.between(0, 1) < CANCEL_SHARE;
    going.push(trade(of, cancels));
  }
  await Promise.all(going);
  return errands;

  async function trade(of: Errand, cancels: boolean): Promise<void> {
    await shopper.buy(of, 'select', 'init', 'confirm');
    // Whoever does not hear of a confirmation withdraws the order: the aggregator may be bound.
    const inDoubt = of.orderId !== undefined && (of.state === 'unanswered' || of.state === 'not-acked');
    if (!inDoubt && !(cancels && of.state === 'confirmed')) return;
    const { state } = await shopper.ask('cancel', of);
    // It was over before: the order stands as it was confirmed.
    if (state === 'refused' && !inDoubt) of.state = 'confirmed';
  }
}

export function countStates(errands: readonly Errand[]): Record<string, number> {
  const counts: Record<string, number> = { placed: errands.length };
  for (const { state } of errands) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}
