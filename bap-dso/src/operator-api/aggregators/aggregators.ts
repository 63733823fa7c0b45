/** Whom the DSO buys from, and whether each can be reached. */
import type { OperatorApiDeps } from '../deps.ts';
import { SNAPSHOT_AGGREGATORS } from '../limits.ts';

export interface AggregatorView {
  readonly bppId: string;
  /** Its breaker is open: it did not answer, and is asked again now and then. */
  readonly away: boolean;
}

/** `registryAnswers` is false when it could not say who is subscribed; then those alone are listed that are away. */
export async function aggregatorViews({ participant }: OperatorApiDeps) {
  const away = new Set(participant.awayCounterparties());
  const known = await participant.subscribers('BPP').catch(() => undefined);
  const ids = (known ?? []).map(({ subscriberId }) => subscriberId as string);
  const aggregators: AggregatorView[] = (known ? ids : [...away])
    .slice(0, SNAPSHOT_AGGREGATORS)
    .map((bppId) => ({ bppId, away: away.has(bppId) }));
  return { aggregators, registryAnswers: known !== undefined };
}
