/** Writes feeder readings in batches: what comes while one is being written goes with the next, so no timer delays either. */
import type { Context } from '@flexder/runtime/context.ts';
import { type Kysely, sql } from 'kysely';
import { READINGS_ATTEMPTS, READINGS_BATCH, READINGS_WAITING } from '../../limits.ts';
import type { BapTables } from '../../tables.ts';
import type { AdmittedSample } from './telemetry.ts';

export class ReadingWriter {
  readonly #context: Context;
  readonly #database: Kysely<BapTables>;
  #waiting: AdmittedSample[] = [];
  #writing: Promise<void> | undefined;

  constructor(context: Context, database: Kysely<BapTables>) {
    this.#context = context;
    this.#database = database;
  }

  add(sample: AdmittedSample): void {
    if (this.#waiting.length >= READINGS_WAITING) {
      this.#waiting.shift();
      this.#context.metrics.count('bap_readings_dropped_total');
    }
    this.#waiting.push(sample);
    this.#writing ??= this.#context.activity
      .track('readings', () => this.#drain())
      .finally(() => {
        this.#writing = undefined;
      });
  }

  /** Resolves when all that was added is written or given up. */
  async flushed(): Promise<void> {
    await this.#writing;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) await this.#write(this.#waiting.splice(0, READINGS_BATCH));
  }

  async #write(batch: readonly AdmittedSample[]): Promise<void> {
    for (let attempt = 1; attempt <= READINGS_ATTEMPTS; attempt++) {
      try {
        await sql`
          insert into feeder_reading (feeder_id, read_at, power_kw, quality)
          select * from unnest(
            ${batch.map(({ feederId }) => feederId)}::text[], ${batch.map(({ atMs }) => new Date(atMs))}::timestamptz[],
            ${batch.map(({ powerKw }) => powerKw)}::float8[], ${batch.map(({ quality }) => quality)}::text[])
          on conflict (feeder_id, read_at) do nothing`.execute(this.#database);
        return;
      } catch (error) {
        this.#context.log.warn(
          { attempt, readings: batch.length, error: String(error) },
          'readings could not be written',
        );
      }
    }
    this.#context.metrics.count('bap_readings_dropped_total', {}, batch.length);
  }
}
