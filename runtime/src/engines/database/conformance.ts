import { expect } from 'chai';
import { type Generated, type Kysely, type Migration, sql } from 'kysely';
import type { DatabaseEngine } from './port.ts';

interface Tables {
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

const migrations: Record<string, Migration> = {
  '001-reading': {
    async up(db) {
      await sql`create table reading (
        id integer generated always as identity primary key, name text not null unique, power_kw double precision,
        rows bigint, price numeric, read_at timestamptz, body jsonb, tags text[])`.execute(db);
    },
  },
};

const second: Record<string, Migration> = {
  ...migrations,
  '002-note': { up: (db) => sql`alter table reading add column note text`.execute(db).then(() => {}) },
};

const names = async (db: Kysely<Tables>) =>
  (await db.selectFrom('reading').select('name').orderBy('name').execute()).map((row) => row.name);

async function failure(work: Promise<unknown>): Promise<Error & { code?: string }> {
  return work.then(
    () => {
      throw new Error('expected a rejection');
    },
    (error) => error,
  );
}

/** What only some adapters can show. */
export interface DatabaseMeans {
  /** Closes the engine and opens the same data again. */
  reopen?(engine: DatabaseEngine): Promise<DatabaseEngine>;
  /** A second engine on the same data, as another process has it. */
  another?(): Promise<DatabaseEngine>;
  /** Cuts every connection of the engine, as a failover does. */
  cut?(): Promise<void>;
  /** The same data with this bound on a statement. */
  impatient?(statementMs: number): Promise<DatabaseEngine>;
}

/** What every database adapter must do. */
export function databaseConformance(open: () => Promise<DatabaseEngine>, means: DatabaseMeans = {}): void {
  const { reopen, another, cut, impatient } = means;
  let engine: DatabaseEngine;
  let db: Kysely<Tables>;
  before(async () => {
    engine = await open();
    db = await engine.open<Tables>('bap.example', migrations);
  });
  after(() => engine.close());
  beforeEach(() => db.deleteFrom('reading').execute());

  it('gives values back as they were put in', async () => {
    const row = {
      name: `it's "quoted" \\ ✓`,
      power_kw: -0.1,
      rows: Number.MAX_SAFE_INTEGER,
      price: '0.12345678901234567890',
      read_at: new Date('2026-03-29T01:30:00.123Z'),
      body: { nested: [1, { a: null }], text: '\u2028"' },
      tags: ['a,b', 'c"d', 'e\\f', ''],
    };
    await db
      .insertInto('reading')
      .values({ ...row, body: JSON.stringify(row.body) })
      .execute();
    expect(await db.selectFrom('reading').selectAll().executeTakeFirstOrThrow()).to.deep.include(row);
  });

  it('gives null for null', async () => {
    await db.insertInto('reading').values({ name: 'empty', body: null }).execute();
    expect(await db.selectFrom('reading').selectAll().executeTakeFirstOrThrow()).to.deep.include({
      power_kw: null,
      rows: null,
      price: null,
      read_at: null,
      body: null,
      tags: null,
    });
  });

  it('counts rows as a number and says how many it changed', async () => {
    await db
      .insertInto('reading')
      .values([
        { name: 'a', body: null },
        { name: 'b', body: null },
      ])
      .execute();
    const { n } = await db
      .selectFrom('reading')
      .select(({ fn }) => fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow();
    expect(n).to.equal(2);
    const updated = await db.updateTable('reading').set({ power_kw: 1 }).executeTakeFirst();
    expect(updated.numUpdatedRows).to.equal(2n);
  });

  it('keeps all of a transaction, or nothing of it', async () => {
    const put = (name: string, fail: boolean) =>
      db.transaction().execute(async (tx) => {
        await tx.insertInto('reading').values({ name, body: null }).execute();
        if (fail) throw new Error('the handler failed');
      });
    await put('kept', false);
    expect((await failure(put('lost', true))).message).to.equal('the handler failed');
    expect(await names(db)).to.deep.equal(['kept']);
  });

  it('goes on after a statement failed within a transaction', async () => {
    const error = await failure(
      db.transaction().execute(async (tx) => {
        await tx.insertInto('reading').values({ name: 'a', body: null }).execute();
        await tx.insertInto('reading').values({ name: 'a', body: null }).execute();
      }),
    );
    expect(error.code).to.equal('23505');
    await db.insertInto('reading').values({ name: 'b', body: null }).execute();
    expect(await names(db)).to.deep.equal(['b']);
  });

  it('does not call a transaction committed that the database rolled back', async () => {
    const error = await failure(
      db.transaction().execute(async (tx) => {
        await tx.insertInto('reading').values({ name: 'lost', body: null }).execute();
        await sql`select 1 / 0`.execute(tx).catch(() => {});
      }),
    );
    expect(error.message).to.match(/rolled back/);
    expect(await names(db)).to.deep.equal([]);
  });

  it('takes several statements without values in one text, and gives the result of the last', async () => {
    const { rows } = await sql
      .raw('create table several (id int); insert into several values (1), (2); select count(*) as n from several')
      .execute(db);
    expect(rows).to.deep.equal([{ n: 2 }]);
  });

  it('gives nobody what a statement changed of the session', async () => {
    await sql`set search_path to public`.execute(db);
    await db.insertInto('reading').values({ name: 'here', body: null }).execute();
    await sql`reset role`.execute(db);
    const { rows } = await sql<{ same: boolean }>`select current_user = current_schema() as same`.execute(db);
    expect(rows).to.deep.equal([{ same: true }]);
  });

  it('reads instants and days as they are in UTC', async () => {
    const { rows } = await sql`select timestamp '2026-03-29 01:30' as local, date '2026-03-29' as day,
      date_trunc('day', timestamptz '2026-03-29T23:30:00Z') as utc_day, array[timestamptz '2026-03-29T01:30:00.5Z'] as many,
      1::int8 as small, 9007199254740993::int8 as large, 1.10::numeric as exact`.execute(db);
    expect(rows).to.deep.equal([
      {
        local: new Date('2026-03-29T01:30:00Z'),
        day: '2026-03-29',
        utc_day: new Date('2026-03-29T00:00:00Z'),
        many: [new Date('2026-03-29T01:30:00.500Z')],
        small: 1,
        large: '9007199254740993',
        exact: '1.10',
      },
    ]);
  });

  it('does not run a statement of a transaction object that outlived its transaction', async () => {
    const leaked = await db.transaction().execute(async (tx) => tx);
    const error = await failure(leaked.insertInto('reading').values({ name: 'late', body: null }).execute());
    expect(error.message).to.match(/released|committed/);
    expect(await names(db)).to.deep.equal([]);
  });

  it('keeps concurrent transactions apart', async () => {
    await db.insertInto('reading').values({ name: 'counter', rows: 0, body: null }).execute();
    const increment = () =>
      db.transaction().execute(async (tx) => {
        const { rows } = await tx
          .selectFrom('reading')
          .select('rows')
          .where('name', '=', 'counter')
          .forUpdate()
          .executeTakeFirstOrThrow();
        await tx
          .updateTable('reading')
          .set({ rows: (rows ?? 0) + 1 })
          .where('name', '=', 'counter')
          .execute();
      });
    await Promise.all(Array.from({ length: 20 }, increment));
    expect((await db.selectFrom('reading').select('rows').executeTakeFirstOrThrow()).rows).to.equal(20);
  });

  it('subscriber_cannot_read_the_tables_of_another', async () => {
    const other = await engine.open<Tables>('bpp.example', migrations);
    await db.insertInto('reading').values({ name: 'mine', body: null }).execute();
    expect(await names(other), 'its own table of that name').to.deep.equal([]);
    const { schema } = (await sql<{ schema: string }>`select current_schema() as schema`.execute(db)).rows[0] ?? {
      schema: '',
    };
    const foreign = sql.id(schema, 'reading');
    expect((await sql`select name from ${foreign}`.execute(db)).rows).to.deep.equal([{ name: 'mine' }]);
    for (const statement of [
      sql`select * from ${foreign}`,
      sql`insert into ${foreign} (name) values ('x')`,
      sql`drop table ${foreign}`,
    ]) {
      expect((await failure(statement.execute(other))).code).to.equal('42501');
    }
  });

  it('subscriber_ids_that_look_alike_get_tables_of_their_own', async () => {
    const ids = ['a.b', 'a-b', 'A.B', 'a"b; drop schema public', `a${'b'.repeat(200)}`, `a${'b'.repeat(201)}`];
    for (const id of ids) {
      const own = await engine.open<Tables>(id, migrations);
      expect(await names(own)).to.deep.equal([]);
      await own.insertInto('reading').values({ name: id, body: null }).execute();
    }
  });

  it('migrates forward, once', async () => {
    const before = await engine.open<Tables>('upgrade.example', migrations);
    await before.insertInto('reading').values({ name: 'old', body: null }).execute();
    const after = await engine.open<Tables & { reading: { note: string | null } }>('upgrade.example', second);
    expect(await after.selectFrom('reading').select(['name', 'note']).execute()).to.deep.equal([
      { name: 'old', note: null },
    ]);
    await engine.open('upgrade.example', second);
  });

  it('leaves nothing of a migration that fails, and names it', async () => {
    const broken: Record<string, Migration> = {
      '001-half': {
        async up(db) {
          await sql`create table half (id int)`.execute(db);
          await sql`create table half (id int)`.execute(db);
        },
      },
    };
    expect((await failure(engine.open('broken.example', broken))).message).to.match(
      /broken\.example.*001-half.*already exists/s,
    );
    const own = await engine.open('broken.example', {});
    expect((await failure(sql`select * from half`.execute(own))).message).to.match(/does not exist/);
  });

  it('refuses tables that are newer than the program', async () => {
    await engine.open('newer.example', second);
    expect((await failure(engine.open('newer.example', migrations))).message).to.match(/002-note/);
  });

  if (another) {
    it('several_processes_that_start_at_once_migrate_once', async () => {
      const engines = await Promise.all([another(), another(), another()]);
      try {
        const opened = await Promise.all(
          engines.map((one) => one.open<Tables & { reading: { note: string | null } }>('at-once.example', second)),
        );
        await opened[0]?.insertInto('reading').values({ name: 'shared', body: null }).execute();
        for (const one of opened) expect(await one.selectFrom('reading').select('note').execute()).to.have.length(1);
      } finally {
        await Promise.all(engines.map((one) => one.close()));
      }
    });

    it('lets one of two processes wait for the row that the other has locked', async () => {
      const other = await another();
      try {
        const there = await other.open<Tables>('bap.example', migrations);
        await db.insertInto('reading').values({ name: 'counter', rows: 0, body: null }).execute();
        const increment = (on: Kysely<Tables>) =>
          on.transaction().execute(async (tx) => {
            const counter = tx.selectFrom('reading').select('rows').where('name', '=', 'counter').forUpdate();
            const { rows } = await counter.executeTakeFirstOrThrow();
            const next = (rows ?? 0) + 1;
            await tx.updateTable('reading').set({ rows: next }).where('name', '=', 'counter').execute();
          });
        await Promise.all(Array.from({ length: 20 }, (_, index) => increment(index % 2 === 0 ? db : there)));
        expect((await db.selectFrom('reading').select('rows').executeTakeFirstOrThrow()).rows).to.equal(20);
      } finally {
        await other.close();
      }
    });
  }

  if (cut) {
    it('has an error for what was under way when its connections were cut, and then goes on', async () => {
      await db.insertInto('reading').values({ name: 'before', body: null }).execute();
      const error = await failure(
        db.transaction().execute(async (tx) => {
          await tx.insertInto('reading').values({ name: 'lost', body: null }).execute();
          await cut();
          await tx.insertInto('reading').values({ name: 'lost too', body: null }).execute();
        }),
      );
      expect(error.message).to.match(/terminat|ECONNRESET|EPIPE/);
      expect(await names(db)).to.deep.equal(['before']);
    });
  }

  if (impatient) {
    it('cancels a statement that outlives its bound, and goes on', async () => {
      const short = await impatient(100);
      try {
        const own = await short.open('bap.example', migrations);
        expect((await failure(sql`select pg_sleep(60)`.execute(own))).code).to.equal('57014');
        expect((await sql`select 1 as n`.execute(own)).rows).to.deep.equal([{ n: 1 }]);
      } finally {
        await short.close();
      }
    });
  }

  if (reopen) {
    it('has after a reopening what was committed', async () => {
      await db.insertInto('reading').values({ name: 'durable', body: null }).execute();
      engine = await reopen(engine);
      db = await engine.open<Tables>('bap.example', migrations);
      expect(await names(db)).to.deep.equal(['durable']);
    });
  }

  it('refuses work once it is closed', async () => {
    expect(await names(db)).to.be.an('array');
    await engine.close();
    await engine.close();
    expect((await failure(names(db))).message).to.match(/closed/);
    expect((await failure(engine.open('late.example', migrations))).message).to.match(/closed/);
  });
}
