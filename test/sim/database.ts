/** One PGlite for all seeds of a process. A service that dies lets go of its turn, and its open transaction is undone. */

import type { WallClock } from '@flexder/runtime/clock.ts';
import { subscriberName } from '@flexder/runtime/engines/database/names.ts';
import { openPglite, type PgliteDatabase } from '@flexder/runtime/engines/database/pglite.ts';
import { inTurn, transactionPool } from '@flexder/runtime/engines/database/pool.ts';
import type { DatabaseEngine } from '@flexder/runtime/engines/database/port.ts';
import { Kysely, PostgresDialect } from 'kysely';
import { type Life, never } from './life.ts';
import { silent } from './silent.ts';

/** A session that waits for nothing: its waits are bounded by the simulation, and its maintenance would be of real time. */
const still: WallClock = {
  nowMs: () => 0,
  monotonicMs: () => 0,
  sleep: () => new Promise(() => {}),
  after: () => () => {},
};

export class SimDatabase {
  readonly #base: PgliteDatabase;
  /** What a defect planted by a test makes of the values of a statement. */
  tamper: (sql: string, values: readonly unknown[]) => readonly unknown[] = (_sql, values) => values;
  readonly #migrated = new Set<string>();

  private constructor(base: PgliteDatabase) {
    this.#base = base;
  }

  static async open(): Promise<SimDatabase> {
    return new SimDatabase(await openPglite({ location: 'memory', wall: still, log: silent }));
  }

  /** As one life of a service has it. */
  engine(life: Life): DatabaseEngine {
    return {
      kind: 'pglite',
      close: async () => {},
      open: async (subscriber, migrations) => {
        const name = subscriberName(subscriber);
        if (!this.#migrated.has(name)) {
          await this.#base.open(subscriber, migrations);
          this.#migrated.add(name);
        }
        const pool = mortalPool(transactionPool(this.#base.shared, { role: name, schema: name }), life, this);
        return new Kysely({ dialect: new PostgresDialect({ pool }) });
      },
    };
  }

  /** Rows of a statement on the tables of one subscriber: for who judges from outside. */
  rows<Row>(subscriber: string, sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    const name = subscriberName(subscriber);
    return inTurn(this.#base.shared, { role: name, schema: name }, async (session) => {
      const { rows } = await session.run(sql, values);
      return rows as Row[];
    });
  }

  /** Empties every table, so that the next seed finds what the first one found. */
  async reset(): Promise<void> {
    await inTurn(this.#base.shared, undefined, async (session) => {
      const { rows } = await session.run(
        `select format('%I.%I', schemaname, tablename) as name from pg_tables
         where schemaname like 'p\\_%' and tablename not like 'kysely%' order by 1`,
      );
      const names = rows.map((row) => String(row.name));
      if (names.length === 0) return;
      // A table without rows is left as it is: emptying it costs as much as emptying a full one.
      const filled = await session.run(
        names.map((name) => `select '${name}' as name where exists (select from ${name})`).join(' union all '),
      );
      if (filled.rows.length === 0) return;
      // Without its triggers: the record of a participant is not to be emptied otherwise.
      await session.run('set session_replication_role = replica');
      await session.run(`truncate ${filled.rows.map((row) => row.name).join(', ')} restart identity cascade`);
      await session.run('set session_replication_role = default');
      // Those of tables into which nothing was ever committed have moved too.
      const { rows: moved } = await session.run(
        `select format('alter sequence %I.%I restart', schemaname, sequencename) as sql from pg_sequences
         where schemaname like 'p\\_%' and last_value is not null order by 1`,
      );
      if (moved.length > 0) await session.run(moved.map((row) => row.sql).join('; '));
    });
  }

  close(): Promise<void> {
    return this.#base.close();
  }
}

type Pool = ReturnType<typeof transactionPool>;

function mortalPool(pool: Pool, life: Life, defects: Pick<SimDatabase, 'tamper'>): Pool {
  return {
    end: pool.end,
    async connect() {
      const connection = await pool.connect();
      if (life.dead) {
        connection.release();
        return never();
      }
      let busy = false;
      const letGo = () => {
        if (!busy) connection.release();
      };
      const keep = life.atDeath(letGo);
      const query = connection.query as (sql: string, values: readonly unknown[]) => Promise<unknown>;
      return {
        query: ((sql: string, values: readonly unknown[]) =>
          life.step(async () => {
            busy = true;
            try {
              return await query(sql, defects.tamper(sql, values ?? []));
            } finally {
              busy = false;
              if (life.dead) letGo();
            }
          })) as never,
        release() {
          keep();
          connection.release();
        },
      };
    },
  };
}
