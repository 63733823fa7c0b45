/** When relief is needed, and when the orders of one event let go. */
import type { TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import type { Finding } from '../../grid-monitoring/detection/detection.ts';
import type { Forecast } from '../../grid-monitoring/forecaster/forecaster.ts';
import { WINDOW_MAX_MINUTES, WINDOW_MIN_MINUTES, WINDOW_STEP_MINUTES } from '../../limits.ts';
import type { PlannedOrder } from '../planning/plan.ts';

const MINUTE_MS = 60_000;

export interface WindowRules {
  readonly nowMs: number;
  readonly releaseKw: number;
  readonly defaultMinutes: number;
  /** Relief that is bought ahead begins this long before the crossing. */
  readonly marginMinutes: number;
}

/**
 * From now, or shortly before a forecast crossing, until the forecast load is below the release level again;
 * without a forecast, or when it does not fall within its reach, the default length from the last instant it knows.
 */
export function activationWindow(finding: Finding, forecast: Forecast | undefined, rules: WindowRules): TimeWindow {
  const startMs = wholeSecond(Math.max(rules.nowMs, finding.crossingAtMs - rules.marginMinutes * MINUTE_MS));
  const foreseen = lengthMinutes(startMs, forecast, rules);
  // A measured overload is one that the forecast did not see coming: it is not trusted to see it off early.
  const minutes = finding.detectedBy === 'measured' ? Math.max(foreseen, rules.defaultMinutes) : foreseen;
  return { startMs, endMs: startMs + minutes * MINUTE_MS };
}

/** Intervals of a report are named by the second, so no window begins within one. */
export function wholeSecond(atMs: number): number {
  return Math.ceil(atMs / 1_000) * 1_000;
}

/** Highest load to relieve, kW: what the finding says, or what the forecast says until the window ends. */
export function peakInWindow(finding: Finding, forecast: Forecast | undefined, window: TimeWindow): number {
  const within = (forecast?.points ?? []).filter((point) => point.atMs <= window.endMs);
  return Math.max(finding.expectedPeakKw, ...within.map((point) => point.powerKw));
}

function lengthMinutes(startMs: number, forecast: Forecast | undefined, rules: WindowRules): number {
  // Persistence knows no fall: it would hold every window open to its bound.
  if (!forecast || forecast.model === 'persistence') return rules.defaultMinutes;
  const above = forecast.points.filter((point) => point.powerKw >= rules.releaseKw).at(-1);
  const last = forecast.points.at(-1);
  if (!above || !last) return rules.defaultMinutes;
  const below = forecast.points.find((point) => point.atMs > above.atMs);
  const untilMs = below ? below.atMs : last.atMs + WINDOW_STEP_MINUTES * MINUTE_MS;
  const minutes = Math.ceil((untilMs - startMs) / MINUTE_MS);
  return Math.min(WINDOW_MAX_MINUTES, Math.max(WINDOW_MIN_MINUTES, minutes));
}

/** The orders end one after the other, as far as their blocks can hold, so that their loads do not all return at once. `before`: orders of the event that are placed already. */
export function stagger(orders: readonly PlannedOrder[], staggerSeconds: number, before = 0): PlannedOrder[] {
  return orders.map((order, i) => {
    const { window } = order.selection;
    const wantedMs = window.endMs + (before + i) * staggerSeconds * 1_000;
    const endMs = Math.max(window.endMs, Math.min(wantedMs, order.latestEndMs, boundOf(window)));
    return { ...order, selection: { ...order.selection, window: { ...window, endMs } } };
  });
}

function boundOf(window: TimeWindow): number {
  return window.startMs + WINDOW_MAX_MINUTES * MINUTE_MS;
}
