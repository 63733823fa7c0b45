/** The last rows of each data set in the database, so that a restart without a network still knows them and their age. */
import type { Kysely } from 'kysely';
import type { BapTables } from '../tables.ts';
import type { AnyDataset } from './datasets/dataset.ts';
import type { HeldData, Snapshot } from './held.ts';

type Db = Kysely<BapTables>;

export async function keep(db: Db, id: string, snapshot: Snapshot): Promise<void> {
  const row = {
    url: snapshot.url,
    retrieved_wall_at: new Date(snapshot.retrievedAtMs),
    observed_at: new Date(snapshot.observedAtMs),
    sha256: snapshot.sha256,
    rows: JSON.stringify(snapshot.rows),
  };
  await db
    .insertInto('open_data_snapshot')
    .values({ dataset_id: id, ...row })
    .onConflict((conflict) => conflict.column('dataset_id').doUpdateSet(row))
    .execute();
}

/** What belongs to no data set any more is left. Returns how many data sets were restored. */
export async function restore(db: Db, datasets: readonly AnyDataset[], held: HeldData): Promise<number> {
  const stored = await db.selectFrom('open_data_snapshot').selectAll().execute();
  let restored = 0;
  for (const row of stored) {
    const dataset = datasets.find(({ id }) => id === row.dataset_id);
    if (!dataset || !Array.isArray(row.rows)) continue;
    held.restore(row.dataset_id, {
      rows: row.rows,
      url: row.url,
      retrievedAtMs: row.retrieved_wall_at.getTime(),
      observedAtMs: row.observed_at.getTime(),
      sha256: row.sha256,
    });
    restored++;
  }
  return restored;
}
