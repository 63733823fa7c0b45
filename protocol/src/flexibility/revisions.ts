/** What was agreed of an order at which time: both sides measure and settle by it. */
import type { OrderRevision, TimeWindow } from './model.ts';

/** An interval in which one power was agreed. */
export interface AgreedPart extends TimeWindow {
  readonly revision: number;
  readonly kw: number;
}

/**
 * The parts of `span` in which something was agreed, in order. A revision holds from its own instant to that of the
 * next, and only within its own window.
 */
export function agreedParts(revisions: readonly OrderRevision[], span: TimeWindow): AgreedPart[] {
  const ordered = [...revisions].sort((a, b) => a.revision - b.revision);
  return ordered.flatMap(({ revision, window, committedKw }, index) => {
    const fromMs = index === 0 ? Number.NEGATIVE_INFINITY : ordered[index]!.fromMs;
    const untilMs = ordered[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY;
    const startMs = Math.max(span.startMs, window.startMs, fromMs);
    const endMs = Math.min(span.endMs, window.endMs, untilMs);
    return endMs > startMs ? [{ startMs, endMs, revision, kw: committedKw }] : [];
  });
}

/** kWh agreed within `span`. */
export function agreedKwh(revisions: readonly OrderRevision[], span: TimeWindow): number {
  return agreedParts(revisions, span).reduce(
    (sum, part) => sum + (part.kw * (part.endMs - part.startMs)) / 3_600_000,
    0,
  );
}
