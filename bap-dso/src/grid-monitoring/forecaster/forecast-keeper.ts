/** Writes what forecasters learnt now and then, a part of the feeders at a time, and all of it when the service stops. */
import type { Context } from '@flexder/runtime/context.ts';
import { repeatedly } from '@flexder/runtime/repeat.ts';
import type { Kysely } from 'kysely';
import { STATE_DRAIN_MS, STATE_EVERY_MS, STATE_TURNS, STATE_WRITE_BATCH } from '../../limits.ts';
import { type ForecastTables, type TakenState, writeStates } from './forecast-store.ts';

/** Who has forecasters. */
export interface Forecasting {
  feederIds(): readonly string[];
  /** Undefined for a feeder that was not read since `afterMs`. */
  forecastState(feederId: string, afterMs: number): TakenState | undefined;
}

export function keepForecasts(
  context: Context,
  db: Kysely<ForecastTables>,
  forecasting: Forecasting,
): { close(): Promise<void> } {
  const writtenMs = new Map<string, number>();
  let turn = 0;

  /** Until `untilMs` of the monotonic clock: what is left then is as it was written last, and replayed from readings. */
  const write = async (feederIds: readonly string[], untilMs: number) => {
    for (let from = 0; from < feederIds.length && context.wall.monotonicMs() < untilMs; from += STATE_WRITE_BATCH) {
      const taken = feederIds
        .slice(from, from + STATE_WRITE_BATCH)
        .flatMap((id) => forecasting.forecastState(id, writtenMs.get(id) ?? Number.NEGATIVE_INFINITY) ?? []);
      await writeStates(db, taken, context.wall.nowMs());
      for (const { feederId, atMs } of taken) writtenMs.set(feederId, atMs);
    }
  };
  const failed = (error: unknown) => {
    context.metrics.count('bap_forecast_states_failed_total');
    context.log.warn({ error: String(error) }, 'forecasts could not be kept; will be tried again');
  };
  const inTurns = repeatedly(context, {
    label: 'forecast states',
    everyMs: STATE_EVERY_MS,
    async run() {
      const share = forecasting.feederIds().filter((_, i) => i % STATE_TURNS === turn);
      turn = (turn + 1) % STATE_TURNS;
      await write(share, Number.POSITIVE_INFINITY);
    },
    failed,
  });
  return {
    async close() {
      await inTurns.close();
      await write(forecasting.feederIds(), context.wall.monotonicMs() + STATE_DRAIN_MS).catch(failed);
    },
  };
}
