/**
 * Tables of readings that only grow and are dropped by age. On a server with TimescaleDB they are hypertables: chunks by
 * time, old ones compressed, the oldest dropped whole. Elsewhere they are plain tables whose old rows are deleted.
 *
 * TimescaleDB's own policies are not used: they go by the clock of the server, and readings go by grid time, which in
 * a scenario is another day. Whoever writes the table calls `keepSeries` now and then instead.
 */
import { type QueryExecutorProvider, sql } from 'kysely';

export interface Series {
  readonly table: string;
  /** Column of the instant; the primary key holds it. */
  readonly time: string;
  /** Column whose rows are read together. */
  readonly by: string;
  /** Span of one chunk. */
  readonly chunkMs: number;
  /** Chunks that ended this long ago are compressed. */
  readonly compressAfterMs: number;
  /** Rows older than this are dropped. */
  readonly keptMs: number;
}

/** Where the extension's functions are: a subscriber's search path holds its own schema only. */
async function timescaleSchema(db: QueryExecutorProvider): Promise<string | undefined> {
  const { rows } = await sql<{ name: string }>`
    select n.nspname as name from pg_extension e join pg_namespace n on n.oid = e.extnamespace
    where e.extname = 'timescaledb'`.execute(db);
  return rows[0]?.name;
}

const milliseconds = (ms: number) => sql`make_interval(secs => ${ms / 1000}::float8)`;

/** For a migration: makes the table a hypertable where TimescaleDB is in this database, and else leaves it as it is. */
export async function makeHypertable(db: QueryExecutorProvider, series: Series): Promise<void> {
  const schema = await timescaleSchema(db);
  if (schema === undefined) return;
  await sql`select ${sql.id(schema, 'create_hypertable')}(${series.table}::regclass, ${series.time}::name,
    chunk_time_interval => ${milliseconds(series.chunkMs)}, create_default_indexes => false, migrate_data => true)`.execute(
    db,
  );
  await sql`alter table ${sql.table(series.table)} set (timescaledb.compress,
    timescaledb.compress_segmentby = ${sql.lit(series.by)}, timescaledb.compress_orderby = ${sql.lit(series.time)})`.execute(
    db,
  );
}

/** Compresses and drops what is old enough at `nowMs` (grid time); a chunk goes when its last row may. */
export async function keepSeries(db: QueryExecutorProvider, series: Series, nowMs: number): Promise<void> {
  const { table, time } = series;
  const oldest = new Date(nowMs - series.keptMs);
  const schema = await timescaleSchema(db);
  if (schema === undefined || !(await isHypertable(db, table))) {
    await sql`delete from ${sql.table(table)} where ${sql.ref(time)} < ${oldest}::timestamptz`.execute(db);
    return;
  }
  const call = (name: string) => sql.id(schema, name);
  await sql`select ${call('drop_chunks')}(${table}::regclass, older_than => ${oldest}::timestamptz)`.execute(db);
  await sql`select ${call('compress_chunk')}(chunk, if_not_compressed => true)
    from ${call('show_chunks')}(${table}::regclass, older_than => ${new Date(nowMs - series.compressAfterMs)}::timestamptz) as chunk`.execute(
    db,
  );
}

async function isHypertable(db: QueryExecutorProvider, table: string): Promise<boolean> {
  const { rows } = await sql`
    select from timescaledb_information.hypertables
    where hypertable_schema = current_schema() and hypertable_name = ${table}`.execute(db);
  return rows.length > 0;
}
