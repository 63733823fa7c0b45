/**
 * Inputs of the live forecast from outside, as they come to be known: temperature from the event stream, demand and
 * embedded generation from the open data. Portals tell of a few days, so what they told is kept for the fits.
 */
import { deserialize, serialize } from 'node:v8';
import type { Context } from '@flexder/runtime/context.ts';
import { repeatedly } from '@flexder/runtime/repeat.ts';
import type { WeatherForecast } from '@flexder/schemas/types.ts';
import type { Kysely } from 'kysely';
import { HISTORY_DAYS, INPUT_SLOTS, INPUTS_EVERY_MS } from '../../limits.ts';
import type { ExogenousId, ExogenousInputs } from '../../open-data/exogenous.ts';
import { DAY_MS } from '../forecast/calendar.ts';
import type { ForecastInput } from '../forecast/inputs.ts';
import { HALF_HOUR_MS } from '../telemetry/series.ts';
import { type ForecastTables, readStates, writeStates } from './forecast-store.ts';

/** Topic of temperature forecasts; the key names the area. */
export const WEATHER_TOPIC = 'weather';
/** Beside the feeders' states, by a name that no feeder has. */
const STATE_ID = '~inputs';
/** Around now, what the open data may tell of. */
const BACK_MS = 3 * DAY_MS;
const AHEAD_MS = DAY_MS;

const FROM_OPEN_DATA: Readonly<Record<string, ExogenousId>> = {
  'national demand': 'national-demand',
  'embedded wind': 'embedded-wind',
  'embedded solar': 'embedded-solar',
};

export class LiveInputs {
  readonly inputs: readonly ForecastInput[];
  /** By name, then half hour. */
  readonly #known: ReadonlyMap<string, Map<number, number>>;

  constructor() {
    const names = ['temperature', ...Object.keys(FROM_OPEN_DATA)];
    this.#known = new Map(names.map((name) => [name, new Map()]));
    this.inputs = names.map((name) => ({
      name,
      known: name === 'national demand' ? 'outturn' : 'ahead',
      kind: name === 'temperature' ? 'temperature' : 'plain',
      at: (atMs) => this.#known.get(name)!.get(Math.floor(atMs / HALF_HOUR_MS)),
    }));
  }

  /** Halves of the hours between two points an hour apart are what lies between them. */
  weather({ points }: Pick<WeatherForecast, 'points'>, nowMs: number): void {
    const known = this.#known.get('temperature')!;
    const ascending = points
      .map(({ at, temperature_c }) => ({ slot: Math.floor(Date.parse(at) / HALF_HOUR_MS), celsius: temperature_c }))
      .sort((a, b) => a.slot - b.slot);
    ascending.forEach(({ slot, celsius }, i) => {
      known.set(slot, celsius);
      const next = ascending[i + 1];
      if (next?.slot === slot + 2) known.set(slot + 1, (celsius + next.celsius) / 2);
    });
    this.#forget(nowMs);
  }

  openData(exogenous: ExogenousInputs, nowMs: number): void {
    for (const [name, id] of Object.entries(FROM_OPEN_DATA)) {
      const series = exogenous.series(id);
      if (!series) continue;
      const known = this.#known.get(name)!;
      for (let atMs = nowMs - BACK_MS; atMs <= nowMs + AHEAD_MS; atMs += HALF_HOUR_MS) {
        const value = series.at(atMs);
        if (value !== undefined) known.set(Math.floor(atMs / HALF_HOUR_MS), value);
      }
    }
    this.#forget(nowMs);
  }

  state(): Uint8Array {
    return serialize([...this.#known]);
  }

  restore(bytes: Uint8Array): void {
    for (const [name, figures] of deserialize(bytes) as [string, Map<number, number>][]) {
      for (const [slot, value] of figures) this.#known.get(name)?.set(slot, value);
    }
  }

  /** Nothing older than a history, and no more than that has room for: a stranger's points fill no memory. */
  #forget(nowMs: number): void {
    const oldest = (nowMs - (HISTORY_DAYS + 1) * DAY_MS) / HALF_HOUR_MS;
    const latest = (nowMs + 14 * DAY_MS) / HALF_HOUR_MS;
    for (const known of this.#known.values()) {
      for (const slot of known.keys()) if (slot < oldest || slot > latest) known.delete(slot);
      for (const slot of known.keys()) {
        if (known.size <= INPUT_SLOTS) break;
        known.delete(slot);
      }
    }
  }
}

/** What was known before a restart. Never throws for what is kept: without it the inputs are gathered anew. */
export async function restoreInputs(
  { log }: Pick<Context, 'log'>,
  db: Kysely<ForecastTables>,
  live: LiveInputs,
): Promise<void> {
  const [kept] = await readStates(db, [STATE_ID]);
  if (!kept) return;
  try {
    live.restore(kept.state);
  } catch (error) {
    log.warn({ error: String(error) }, 'kept forecast inputs cannot be read; gathered anew');
  }
}

/** Takes what the open data tell and keeps it, every half hour of grid time, until it is closed. */
export function gatherInputs(
  context: Context,
  db: Kysely<ForecastTables>,
  live: LiveInputs,
  exogenous: ExogenousInputs,
): { close(): Promise<void> } {
  return repeatedly(context, {
    label: 'forecast inputs',
    everyMs: INPUTS_EVERY_MS,
    async run() {
      const nowMs = context.grid.nowMs();
      live.openData(exogenous, nowMs);
      const state = { feederId: STATE_ID, state: live.state(), atMs: nowMs, fittedAtMs: null };
      await writeStates(db, [state], context.wall.nowMs());
    },
    failed: (error) =>
      context.log.warn({ error: String(error) }, 'forecast inputs could not be kept; will be tried again'),
  });
}
