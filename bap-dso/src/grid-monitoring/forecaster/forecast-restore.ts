/**
 * Forecasters as they were before a restart: each from its kept state and what was read since, so that it goes on with
 * the forecasts it would have made. One whose state is of another version is fitted anew on the readings in the database.
 */
import type { Context } from '@flexder/runtime/context.ts';
import type { Kysely } from 'kysely';
import type { FeederConfig } from '../../config.ts';
import {
  HISTORY_DAYS,
  STATE_READ_BATCH,
  STATE_REPLAYED_MS,
  STATE_REPLAYED_SAMPLES,
  TELEMETRY_FUTURE_MS,
} from '../../limits.ts';
import { DAY_MS } from '../forecast/calendar.ts';
import type { ForecastInput } from '../forecast/inputs.ts';
import { MODEL_VERSION } from '../forecast/load-model.ts';
import { type FeederSeries, HALF_HOUR_MS, type Reading } from '../telemetry/series.ts';
import { type ForecastTables, halfHoursOf, type KeptState, readingsAfter, readStates } from './forecast-store.ts';
import { Forecaster } from './forecaster.ts';

export interface Restored {
  readonly series: FeederSeries;
  readonly forecaster: Forecaster;
}

/** What a monitor begins with: forecasters by feeder, and histories to fit those on that have none. */
export interface Beginning {
  readonly restored: ReadonlyMap<string, Restored>;
  readonly histories: ReadonlyMap<string, readonly Reading[]>;
}

/** Whether dispatch changed the load of a feeder at an instant: what was read then says nothing of the load left alone. */
export type RelievedAt = (feederId: string, atMs: number) => boolean;

export const NOTHING_KEPT: Beginning = { restored: new Map(), histories: new Map() };

/** Never throws for what is kept: without it a forecaster begins from its history, and the log says why. */
export async function restoreForecasts(
  context: Pick<Context, 'grid' | 'log'>,
  db: Kysely<ForecastTables>,
  feeders: readonly FeederConfig[],
  relievedAt: RelievedAt = () => false,
  inputs: readonly ForecastInput[] = [],
): Promise<Beginning> {
  const { log } = context;
  const restored = new Map<string, Restored>();
  const histories = new Map<string, readonly Reading[]>();
  const nowMs = context.grid.nowMs();
  const ids = feeders.map(({ feederId }) => feederId);
  for (let from = 0; from < ids.length; from += STATE_READ_BATCH) {
    const part = ids.slice(from, from + STATE_READ_BATCH);
    const kept = new Map((await readStates(db, part)).map((one) => [one.feederId, one]));
    for (const feederId of part) {
      const taken = unpacked(kept.get(feederId), nowMs, inputs);
      const followed = typeof taken !== 'string' && (await catchUp(db, feederId, taken, nowMs, relievedAt));
      if (typeof taken !== 'string' && followed) {
        restored.set(feederId, taken);
        continue;
      }
      const read = await halfHoursOf(db, feederId, nowMs - HISTORY_DAYS * DAY_MS, nowMs);
      const halfHours = read.filter(
        ({ atMs }) => !relievedAt(feederId, atMs) && !relievedAt(feederId, atMs + HALF_HOUR_MS - 1),
      );
      histories.set(feederId, halfHours);
      const why = typeof taken === 'string' ? taken : 'more was read since than is followed';
      if (kept.has(feederId) || halfHours.length > 0) {
        log.warn({ feederId, why, halfHours: halfHours.length }, 'no kept forecast is gone on with: fitted anew');
      }
    }
  }
  if (restored.size > 0) log.info(summaryOf(restored), 'forecasts go on from before the restart');
  return { restored, histories };
}

/** A state, or why it cannot be used. */
function unpacked(kept: KeptState | undefined, nowMs: number, inputs: readonly ForecastInput[]): Restored | string {
  if (!kept) return 'none is kept';
  const { version, state } = kept;
  if (version !== MODEL_VERSION) return `it is of version ${version}, the model of version ${MODEL_VERSION}`;
  try {
    const taken = Forecaster.restore(state, { inputs });
    const lastMs = taken.series.last?.atMs ?? nowMs;
    return lastMs > nowMs + TELEMETRY_FUTURE_MS ? 'its last sample is of the future' : taken;
  } catch (error) {
    return `it cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Learns what was read after the state was taken; false when that is too long ago to follow sample by sample. */
async function catchUp(
  db: Kysely<ForecastTables>,
  feederId: string,
  { series, forecaster }: Restored,
  untilMs: number,
  relievedAt: RelievedAt,
): Promise<boolean> {
  const afterMs = series.last?.atMs ?? untilMs;
  const missed = await readingsAfter(db, feederId, { afterMs, untilMs, most: STATE_REPLAYED_SAMPLES });
  const last = missed.at(-1);
  if (!last) return true;
  if (last.atMs - afterMs > STATE_REPLAYED_MS || missed.length === STATE_REPLAYED_SAMPLES) return false;
  for (const sample of missed) {
    const relieved = relievedAt(feederId, sample.atMs);
    if (series.add(sample)) forecaster.learn(relieved);
    forecaster.forecast(relieved);
  }
  return true;
}

function summaryOf(restored: ReadonlyMap<string, Restored>) {
  const bases = [...restored.values()].map(({ forecaster }) => forecaster.describe());
  const fitted = bases.flatMap(({ fittedAtMs }) => fittedAtMs.wide ?? []);
  const at = (ms: number) => (fitted.length === 0 ? null : new Date(ms).toISOString());
  return {
    feeders: restored.size,
    version: MODEL_VERSION,
    fittedFrom: at(Math.min(...fitted)),
    fittedTo: at(Math.max(...fitted)),
    readings: bases.reduce((sum, { readings }) => sum + readings, 0),
    inputs: [...new Set(bases.flatMap(({ inputs }) => inputs))],
  };
}
