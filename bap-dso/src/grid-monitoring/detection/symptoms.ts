/** What a sample, a refusal or a silence says of a feeder beside its load. Pure. */
import {
  COLLAPSE_BELOW_SHARE,
  COLLAPSE_TO_SHARE,
  IMPOSSIBLE_TIMES,
  RISE_CALM_SHARE,
  RISE_SHARE,
  RISE_WITHIN_MS,
  STUCK_MS,
  STUCK_SAMPLES,
  UNIT_FACTOR,
  UNIT_TOLERANCE,
} from '../../limits.ts';
import type { LimitsAt } from '../../network-model/feeders.ts';
import {
  ABOVE_FIRM,
  DATA_MISSING,
  LOAD_COLLAPSE,
  RATE_OF_RISE,
  type Rule,
  SENSOR_STUCK,
  TRANSFORMER_OUT,
  UNIT_CONFUSED,
  VALUE_IMPOSSIBLE,
} from '../../rules.ts';
import { meanKw, type Reading } from '../telemetry/series.ts';
import type { AnomalyKind, Sign, Symptom } from './anomalies.ts';
import { rounded, type Sample } from './detection.ts';

/** The run of equal values that a sample is the last of. */
export interface Still {
  readonly powerKw: number;
  readonly sinceMs: number;
  readonly samples: number;
}

export interface Seen {
  readonly feederId: string;
  readonly sample: Sample;
  /** Samples of the five minutes before it. */
  readonly before: readonly Reading[];
  readonly still: Still;
  readonly limits: LimitsAt;
  /** Dispatch changes the load, or did until some minutes ago. */
  readonly relieved: boolean;
}

export function stillOf(still: Still | undefined, { powerKw, atMs }: Sample): Still {
  if (still?.powerKw !== powerKw) return { powerKw, sinceMs: atMs, samples: 1 };
  return { ...still, samples: still.samples + 1 };
}

export function signsOf(seen: Seen): Sign[] {
  const signs = [riseOf(seen), collapseOf(seen), stuckOf(seen), firmOf(seen), outOf(seen)];
  return [...signs.flatMap((sign) => sign ?? []), absent('value-impossible'), absent('unit-confused')];
}

const absent = (kind: AnomalyKind): Sign => ({ kind, present: false });

function present(kind: AnomalyKind, rule: Rule, text: string, inputs: Symptom['inputs']): Symptom {
  return { kind, present: true, rule, text, inputs };
}

function observed({ sample }: Seen) {
  return { power_kw: rounded(sample.powerKw), observed_at: new Date(sample.atMs).toISOString() };
}

/** A load at its limit is an overload, and more is done about that than an alarm. */
function riseOf(seen: Seen): Sign | undefined {
  const { feederId, sample, before, limits, relieved } = seen;
  if (relieved || before.length === 0 || sample.powerKw >= limits.limitKw) return undefined;
  const fromKw = before.reduce((lowest, { powerKw }) => Math.min(lowest, powerKw), Number.POSITIVE_INFINITY);
  const riseKw = sample.powerKw - fromKw;
  if (riseKw < RISE_CALM_SHARE * limits.limitKw) return absent('rate-of-rise');
  if (riseKw < RISE_SHARE * limits.limitKw) return undefined;
  const minutes = RISE_WITHIN_MS / 60_000;
  const text = `${feederId} rose by ${rounded(riseKw)} kW within ${minutes} minutes`;
  const threshold_kw = rounded(RISE_SHARE * limits.limitKw);
  const inputs = { ...observed(seen), from_kw: rounded(fromKw), rise_kw: rounded(riseKw), within_minutes: minutes };
  return present('rate-of-rise', RATE_OF_RISE, text, { ...inputs, threshold_kw, limit_kw: limits.limitKw });
}

function collapseOf(seen: Seen): Sign | undefined {
  const { feederId, sample, before, limits, relieved } = seen;
  const loaded = Math.abs(sample.powerKw) >= COLLAPSE_BELOW_SHARE * limits.limitKw;
  if (loaded) return absent('load-collapse');
  const meanBeforeKw = meanKw(before);
  if (relieved || meanBeforeKw === undefined) return undefined;
  const fromLoad = meanBeforeKw >= COLLAPSE_BELOW_SHARE * limits.limitKw;
  if (!fromLoad || Math.abs(sample.powerKw) >= COLLAPSE_TO_SHARE * meanBeforeKw) return undefined;
  const text = `${feederId} fell from ${rounded(meanBeforeKw)} kW to ${rounded(sample.powerKw)} kW`;
  const inputs = { ...observed(seen), mean_before_kw: rounded(meanBeforeKw), limit_kw: limits.limitKw };
  return present('load-collapse', LOAD_COLLAPSE, text, inputs);
}

function stuckOf(seen: Seen): Sign | undefined {
  const { feederId, sample, still } = seen;
  if (still.samples === 1) return absent('sensor-stuck');
  const forMs = sample.atMs - still.sinceMs;
  if (still.samples < STUCK_SAMPLES || forMs < STUCK_MS) return undefined;
  const minutes = Math.round(forMs / 60_000);
  const text = `${feederId} has said ${still.powerKw} kW for ${minutes} minutes, ${still.samples} times`;
  const inputs = { ...observed(seen), samples: still.samples, minutes };
  return present('sensor-stuck', SENSOR_STUCK, text, inputs);
}

/** Run to its normal rating, above what is left with the largest transformer out. */
function firmOf(seen: Seen): Sign | undefined {
  const { feederId, sample, limits } = seen;
  const { firmKw, limitKw, releaseKw } = limits;
  if (firmKw == null || limitKw <= firmKw) return undefined;
  if (sample.powerKw < firmKw * (releaseKw / limitKw)) return absent('above-firm');
  if (sample.powerKw < firmKw) return undefined;
  const text = `${feederId} carries ${rounded(sample.powerKw)} kW, above the ${firmKw} kW that are left with its largest transformer out`;
  const inputs = { ...observed(seen), firm_kw: firmKw, limit_kw: limitKw, season: limits.season ?? null };
  return present('above-firm', ABOVE_FIRM, text, inputs);
}

function outOf(seen: Seen): Sign {
  const { feederId, sample, limits } = seen;
  const out = sample.transformersOut ?? [];
  if (out.length === 0) return absent('transformer-out');
  const left =
    limits.firmKw == null
      ? 'no firm rating is known, so its limit stays'
      : out.length > 1
        ? `its limit is ${limits.limitKw} kW, which is right for one of them`
        : `its limit is ${limits.limitKw} kW`;
  const text = `${feederId} runs without ${out.join(', ')}: ${left}`;
  const inputs = { ...observed(seen), transformers_out: out.join(' '), limit_kw: limits.limitKw };
  return present('transformer-out', TRANSFORMER_OUT, text, { ...inputs, firm_kw: limits.firmKw ?? null });
}

/** Why a value cannot be the load of a feeder; undefined for one that can. */
export function implausible(
  powerKw: number,
  lastKw: number | undefined,
  limits: LimitsAt,
): 'impossible' | 'unit-confused' | undefined {
  const ratio = lastKw === undefined || lastKw === 0 ? 1 : powerKw / lastKw;
  const near = (factor: number) => Math.abs(ratio / factor - 1) < UNIT_TOLERANCE;
  const large = Math.abs(lastKw ?? 0) >= COLLAPSE_BELOW_SHARE * limits.limitKw;
  if (large && (near(UNIT_FACTOR) || near(1 / UNIT_FACTOR))) return 'unit-confused';
  return Math.abs(powerKw) > IMPOSSIBLE_TIMES * (limits.normalKw ?? limits.limitKw) ? 'impossible' : undefined;
}

export function refusedSign(
  feederId: string,
  reason: 'impossible' | 'unit-confused',
  powerKw: number,
  lastKw: number | undefined,
  limits: LimitsAt,
): Symptom {
  const ratedKw = limits.normalKw ?? limits.limitKw;
  const inputs = {
    power_kw: rounded(powerKw),
    last_kw: lastKw === undefined ? null : rounded(lastKw),
    rated_kw: ratedKw,
  };
  if (reason === 'impossible') {
    const text = `${feederId} said ${rounded(powerKw)} kW, which a rating of ${ratedKw} kW cannot carry; not used`;
    return present('value-impossible', VALUE_IMPOSSIBLE, text, { ...inputs, times: IMPOSSIBLE_TIMES });
  }
  const text = `${feederId} said ${rounded(powerKw)} kW after ${rounded(lastKw ?? 0)} kW: another unit; not used`;
  return present('unit-confused', UNIT_CONFUSED, text, { ...inputs, factor: UNIT_FACTOR });
}

export interface Silence {
  /** Of the latest reading, grid time; undefined before the first. */
  readonly lastMs: number | undefined;
  /** Since when it is waited for. */
  readonly judgedSinceMs: number;
  readonly allowedMs: number;
}

export function missingSign(feederId: string, { lastMs, judgedSinceMs, allowedMs }: Silence, nowMs: number): Symptom {
  const minutes = Math.round((nowMs - (lastMs ?? judgedSinceMs)) / 60_000);
  const text =
    lastMs === undefined
      ? `${feederId} has never been read; it is waited for since ${minutes} minutes`
      : `${feederId} has not been read for ${minutes} minutes`;
  const inputs = {
    last_read_at: lastMs === undefined ? null : new Date(lastMs).toISOString(),
    minutes,
    allowed_minutes: rounded(allowedMs / 60_000),
  };
  return present('data-missing', DATA_MISSING, text, inputs);
}
