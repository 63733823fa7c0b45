/**
 * Overload detection on one feeder with trim and release: at the limit an event opens, below the release level the
 * feeder counts as relieved, and in between what was stays. Pure: state and sample in, state and finding out.
 */
import { FORECAST_QUIET_MS } from '../../limits.ts';
import { OVERLOAD_FORECAST, OVERLOAD_MEASURED, OVERLOAD_N1, type Rule } from '../../rules.ts';
import type { Forecast } from '../forecaster/forecaster.ts';

export interface FeederLimits {
  readonly limitKw: number;
  /** Below it an overload counts as over. */
  readonly releaseKw: number;
  /** Of the season, where a network model says it: what the feeder may carry with a transformer out, and intact. */
  readonly season?: string;
  readonly firmKw?: number | null;
  readonly normalKw?: number;
  /** Limit of the intact feeder, while a transformer that is out lowers it. */
  readonly intactKw?: number;
}

export interface DetectorState {
  /** Trimmed from the limit on until the load falls below the release level. */
  readonly level: 'NORMAL' | 'TRIMMED';
  readonly eventOpen: boolean;
  readonly eventClosedAtMs: number | null;
}

export const ARMED: DetectorState = { level: 'NORMAL', eventOpen: false, eventClosedAtMs: null };

export interface Sample {
  readonly atMs: number;
  readonly powerKw: number;
  readonly quality: 'GOOD' | 'ESTIMATED';
  /** Transformers that the switchgear shows out of service; absent when none is. */
  readonly transformersOut?: readonly string[];
}

export interface Finding {
  readonly detectedBy: 'measured' | 'forecast';
  readonly rule: Rule;
  readonly inputs: Readonly<Record<string, string | number | null>>;
  /** Highest load that is to be relieved, kW: measured or forecast. */
  readonly expectedPeakKw: number;
  /** When the load reaches the limit: now, or as forecast. */
  readonly crossingAtMs: number;
}

export interface Detection {
  readonly state: DetectorState;
  readonly finding?: Finding;
}

export function detect(
  state: DetectorState,
  sample: Sample,
  forecast: Forecast | undefined,
  limits: FeederLimits,
  horizonMs: number,
): Detection {
  const level =
    sample.powerKw >= limits.limitKw ? 'TRIMMED' : sample.powerKw < limits.releaseKw ? 'NORMAL' : state.level;
  const next = { ...state, level } as const;
  if (state.eventOpen) return { state: next };
  const finding = measured(sample, forecast, limits, horizonMs) ?? ahead(state, sample, forecast, limits, horizonMs);
  return finding ? { state: { ...next, eventOpen: true }, finding } : { state: next };
}

/** The event of this feeder ended at `atMs` (grid time): both rules are armed again, the forecast one after a while. */
export function eventClosed(state: DetectorState, atMs: number): DetectorState {
  return { ...state, eventOpen: false, eventClosedAtMs: atMs };
}

export function eventOpened(state: DetectorState): DetectorState {
  return { ...state, eventOpen: true };
}

function measured(
  sample: Sample,
  forecast: Forecast | undefined,
  limits: FeederLimits,
  horizonMs: number,
): Finding | undefined {
  if (sample.powerKw < limits.limitKw) return undefined;
  return {
    detectedBy: 'measured',
    rule: sample.powerKw < (limits.intactKw ?? limits.limitKw) ? OVERLOAD_N1 : OVERLOAD_MEASURED,
    inputs: inputsOf(sample, forecast, limits, null),
    expectedPeakKw: Math.max(sample.powerKw, highest(forecast, sample.atMs, horizonMs)),
    crossingAtMs: sample.atMs,
  };
}

function ahead(
  state: DetectorState,
  sample: Sample,
  forecast: Forecast | undefined,
  limits: FeederLimits,
  horizonMs: number,
): Finding | undefined {
  const quiet = state.eventClosedAtMs !== null && sample.atMs < state.eventClosedAtMs + FORECAST_QUIET_MS;
  if (!forecast || quiet) return undefined;
  const crossingAtMs = crossing(sample, forecast, limits.limitKw, horizonMs);
  if (crossingAtMs === undefined) return undefined;
  return {
    detectedBy: 'forecast',
    rule: OVERLOAD_FORECAST,
    inputs: inputsOf(sample, forecast, limits, crossingAtMs),
    expectedPeakKw: highest(forecast, sample.atMs, horizonMs),
    crossingAtMs,
  };
}

/** When the line through sample and forecast points reaches `limitKw` within the horizon. */
export function crossing(
  from: { readonly atMs: number; readonly powerKw: number },
  forecast: Forecast,
  limitKw: number,
  horizonMs: number,
): number | undefined {
  let before = from;
  for (const point of forecast.points) {
    if (point.atMs > from.atMs + horizonMs) return undefined;
    if (point.powerKw >= limitKw) {
      const rise = point.powerKw - before.powerKw;
      const share = rise > 0 ? Math.max(0, (limitKw - before.powerKw) / rise) : 0;
      return Math.round(before.atMs + share * (point.atMs - before.atMs));
    }
    before = point;
  }
  return undefined;
}

function highest(forecast: Forecast | undefined, fromMs: number, horizonMs: number): number {
  let peakKw = Number.NEGATIVE_INFINITY;
  for (const point of forecast?.points ?? []) {
    if (point.atMs <= fromMs + horizonMs) peakKw = Math.max(peakKw, point.powerKw);
  }
  return peakKw;
}

function inputsOf(sample: Sample, forecast: Forecast | undefined, limits: FeederLimits, crossingAtMs: number | null) {
  const nearest = forecast?.points.find((point) => crossingAtMs === null || point.atMs >= crossingAtMs);
  return {
    limit_kw: limits.limitKw,
    release_kw: limits.releaseKw,
    ...ratingsOf(sample, limits),
    ...outageOf(sample, limits),
    power_kw: rounded(sample.powerKw),
    quality: sample.quality,
    observed_at: new Date(sample.atMs).toISOString(),
    crossing_at: crossingAtMs === null ? null : new Date(crossingAtMs).toISOString(),
    lead_minutes: crossingAtMs === null ? null : rounded((crossingAtMs - sample.atMs) / 60_000),
    forecast_model: forecast?.model ?? null,
    forecast_at: nearest ? new Date(nearest.atMs).toISOString() : null,
    forecast_kw: nearest ? rounded(nearest.powerKw) : null,
    forecast_low_kw: nearest ? rounded(nearest.lowKw) : null,
    forecast_high_kw: nearest ? rounded(nearest.highKw) : null,
  };
}

function ratingsOf(sample: Sample, { season, normalKw, firmKw }: FeederLimits): Finding['inputs'] {
  if (season === undefined) return {};
  const aboveFirmKw = firmKw == null ? null : Math.max(0, rounded(sample.powerKw - firmKw));
  return { season, normal_kw: normalKw ?? null, firm_kw: firmKw ?? null, above_firm_kw: aboveFirmKw };
}

function outageOf({ transformersOut }: Sample, { intactKw }: FeederLimits): Finding['inputs'] {
  if (intactKw === undefined) return {};
  return { transformers_out: transformersOut?.join(' ') ?? null, intact_limit_kw: intactKw };
}

export function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
