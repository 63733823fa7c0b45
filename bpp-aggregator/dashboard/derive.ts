/** What follows from the state, for a person. Pure. */
import { leftOutReasonText } from '@flexder/protocol/flexibility/left-out.ts';
import { duration, plural } from '@flexder/runtime/page/format.ts';
import type { Level } from '@flexder/runtime/page/parts.tsx';
import type { OnboardingView } from '../src/view/onboarding.ts';
import type { SoldOrderView } from '../src/view/orders.ts';
import type { HoldingView } from '../src/view/portfolio.ts';
import type { Overview } from '../src/view/routes.ts';

const OVER = new Set(['COMPLETED', 'CANCELLED', 'DECLINED', 'EXPIRED']);
export const isOver = ({ state }: SoldOrderView): boolean => OVER.has(state);
export const wasSold = ({ state }: SoldOrderView): boolean =>
  state === 'SCHEDULED' || state === 'IN_PROGRESS' || state === 'COMPLETED';

/** `offline 3, opted out 1`, the most frequent first. */
export function whyNot(excluded: HoldingView['excluded']): string {
  return Object.entries(excluded)
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${leftOutReasonText(reason)} ${count}`)
    .join(', ');
}

export interface Sum {
  readonly devices: number;
  readonly online: number;
  readonly available: number;
  readonly availableKw: number;
  readonly powerKw: number;
}

export function sumOf(holdings: readonly HoldingView[]): Sum {
  const sum = { devices: 0, online: 0, available: 0, availableKw: 0, powerKw: 0 };
  for (const holding of holdings) for (const name of Object.keys(sum) as (keyof Sum)[]) sum[name] += holding[name];
  return sum;
}

const SOON_MS = 14 * 86_400_000;

/** Where the aggregator stands with the network, and what to do when it is not well. */
export function standingOf(
  { registryAnswers, entry, url, subscriberId }: OnboardingView,
  wallMs: number,
): { readonly level: Level; readonly text: string } {
  if (!registryAnswers)
    return { level: 'watch', text: 'The registry does not answer: what it says of this aggregator is not known.' };
  if (!entry)
    return {
      level: 'over',
      text: `The registry knows nobody called ${subscriberId}: nobody can buy. Restart, or subscribe.`,
    };
  if (entry.status !== 'SUBSCRIBED')
    return { level: 'over', text: `The registry says ${entry.status}: nobody can buy. Look at the last challenge.` };
  if (!entry.keyIsOurs)
    return {
      level: 'over',
      text: 'The registry has a key that is not ours: our signatures are refused. Subscribe again.',
    };
  if (entry.validUntilMs <= wallMs) return { level: 'over', text: 'The key has ended: our signatures are refused.' };
  if (entry.url !== url)
    return { level: 'watch', text: `The registry sends others to ${entry.url}, and this listens at ${url}.` };
  if (entry.validUntilMs - wallMs < SOON_MS)
    return {
      level: 'watch',
      text: `The key ends in ${duration(entry.validUntilMs - wallMs)}: subscribe with a new one.`,
    };
  return { level: 'normal', text: 'Subscribed, with a key that is valid.' };
}

/** One sentence of state, the worst first. */
export function sentenceOf(state: Overview): { readonly level: Level; readonly text: string } {
  const standing = standingOf(state.onboarding, state.clocks.wallMs);
  if (standing.level !== 'normal') return standing;
  const running = state.orders.filter((order) => order.state === 'IN_PROGRESS' || order.state === 'SCHEDULED');
  const short = running.filter((order) => order.short);
  if (short.length > 0)
    return { level: 'watch', text: `${plural(short.length, 'order delivers', 'orders deliver')} less than promised.` };
  const { devices, available } = sumOf(state.holdings);
  return {
    level: devices > 0 && available === 0 && running.length === 0 ? 'watch' : 'normal',
    text: `${available} of ${plural(devices, 'device')} can be offered. ${plural(running.length, 'order')} to deliver.`,
  };
}
