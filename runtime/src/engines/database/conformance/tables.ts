/** The tables that every adapter is tried with. */
import { type Generated, type Kysely, type Migration, sql } from 'kysely';
import type { DatabaseEngine } from '../port.ts';

/** What is tried, as it is now: a test may open it anew. */
export interface Under {
  engine: DatabaseEngine;
  db: Kysely<Tables>;
}

export interface Tables {
  reading: {
    id: Generated<number>;
    name: string;
    power_kw: number | null;
    rows: number | null;
    price: string | null;
    read_at: Date | string | null;
    body: unknown;
    tags: string[] | null;
  };
}

export const migrations: Record<string, Migration> = {
  '001-reading': {
    async up(db) {
      await sql`create table reading (
        id integer generated always as identity primary key, name text not null unique, power_kw double precision,
        rows bigint, price numeric, read_at timestamptz, body jsonb, tags text[])`.execute(db);
    },
  },
};

export const second: Record<string, Migration> = {
  ...migrations,
  '002-note': { up: (db) => sql`alter table reading add column note text`.execute(db).then(() => {}) },
};

export const names = async (db: Kysely<Tables>) =>
  (await db.selectFrom('reading').select('name').orderBy('name').execute()).map((row) => row.name);

export async function failure(work: Promise<unknown>): Promise<Error & { code?: string }> {
  return work.then(
    () => {
      throw new Error('expected a rejection');
    },
    (error) => error,
  );
}
