/** Plain SQL on the tables of a subscriber, as the superuser of a PostgreSQL server or on a directory of PGlite. */
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import type { Query } from './invariants.ts';

export interface PlainSql {
  /** Of one subscriber: tables are named without a schema. */
  of(subscriber: string): Promise<Query>;
  close(): Promise<void>;
}

const schemaLike = (subscriber: string) =>
  `select nspname from pg_namespace where nspname ~ '^p_${subscriber.replaceAll(/[^a-z0-9]+/gi, '_')}_[0-9a-f]{12}$'`;

export async function postgresSql(url: string): Promise<PlainSql> {
  const client = new pg.Client({ connectionString: url });
  // A server that a test ends takes this connection with it.
  client.on('error', () => {});
  await client.connect();
  const inTurn = turns();
  return {
    async of(subscriber) {
      const { rows } = await client.query(schemaLike(subscriber));
      const schema = rows[0]?.nspname as string | undefined;
      if (!schema) throw new Error(`${subscriber} has no schema`);
      return inTurn(async (sql) => {
        await client.query(`set search_path to "${schema}"`);
        return (await client.query(sql)).rows;
      });
    },
    close: () => client.end(),
  };
}

/** The process that had it open has to have ended. */
export async function pgliteSql(directory: string): Promise<PlainSql> {
  const db = await PGlite.create(directory);
  const inTurn = turns();
  return {
    async of(subscriber) {
      const { rows } = await db.query<{ nspname: string }>(schemaLike(subscriber));
      const schema = rows[0]?.nspname;
      if (!schema) throw new Error(`${subscriber} has no schema`);
      return inTurn(async (sql) => {
        await db.exec(`set search_path to "${schema}"`);
        return (await db.query<Record<string, unknown>>(sql)).rows;
      });
    },
    close: () => db.close(),
  };
}

/** One connection has one schema at a time. */
function turns(): (query: Query) => Query {
  let last: Promise<unknown> = Promise.resolve();
  return (query) => (sql) => {
    const mine = last.catch(() => {}).then(() => query(sql));
    last = mine;
    return mine;
  };
}
