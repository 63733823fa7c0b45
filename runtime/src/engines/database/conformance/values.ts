/** Values, statements and transactions. */
import { expect } from 'chai';
import { sql } from 'kysely';
import { failure, names, type Under } from './tables.ts';

export function valuesAndTransactions(at: Under): void {
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
    await at.db
      .insertInto('reading')
      .values({ ...row, body: JSON.stringify(row.body) })
      .execute();
    expect(await at.db.selectFrom('reading').selectAll().executeTakeFirstOrThrow()).to.deep.include(row);
  });

  it('gives null for null', async () => {
    await at.db.insertInto('reading').values({ name: 'empty', body: null }).execute();
    expect(await at.db.selectFrom('reading').selectAll().executeTakeFirstOrThrow()).to.deep.include({
      power_kw: null,
      rows: null,
      price: null,
      read_at: null,
      body: null,
      tags: null,
    });
  });

  it('counts rows as a number and says how many it changed', async () => {
    await at.db
      .insertInto('reading')
      .values([
        { name: 'a', body: null },
        { name: 'b', body: null },
      ])
      .execute();
    const { n } = await at.db
      .selectFrom('reading')
      .select(({ fn }) => fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow();
    expect(n).to.equal(2);
    const updated = await at.db.updateTable('reading').set({ power_kw: 1 }).executeTakeFirst();
    expect(updated.numUpdatedRows).to.equal(2n);
  });

  it('keeps all of a transaction, or nothing of it', async () => {
    const put = (name: string, fail: boolean) =>
      at.db.transaction().execute(async (tx) => {
        await tx.insertInto('reading').values({ name, body: null }).execute();
        if (fail) throw new Error('the handler failed');
      });
    await put('kept', false);
    expect((await failure(put('lost', true))).message).to.equal('the handler failed');
    expect(await names(at.db)).to.deep.equal(['kept']);
  });

  it('goes on after a statement failed within a transaction', async () => {
    const error = await failure(
      at.db.transaction().execute(async (tx) => {
        await tx.insertInto('reading').values({ name: 'a', body: null }).execute();
        await tx.insertInto('reading').values({ name: 'a', body: null }).execute();
      }),
    );
    expect(error.code).to.equal('23505');
    await at.db.insertInto('reading').values({ name: 'b', body: null }).execute();
    expect(await names(at.db)).to.deep.equal(['b']);
  });

  it('does not call a transaction committed that the database rolled back', async () => {
    const error = await failure(
      at.db.transaction().execute(async (tx) => {
        await tx.insertInto('reading').values({ name: 'lost', body: null }).execute();
        await sql`select 1 / 0`.execute(tx).catch(() => {});
      }),
    );
    expect(error.message).to.match(/rolled back/);
    expect(await names(at.db)).to.deep.equal([]);
  });

  it('takes several statements without values in one text, and gives the result of the last', async () => {
    const { rows } = await sql
      .raw('create table several (id int); insert into several values (1), (2); select count(*) as n from several')
      .execute(at.db);
    expect(rows).to.deep.equal([{ n: 2 }]);
  });

  it('gives nobody what a statement changed of the session', async () => {
    await sql`set search_path to public`.execute(at.db);
    await at.db.insertInto('reading').values({ name: 'here', body: null }).execute();
    await sql`reset role`.execute(at.db);
    const { rows } = await sql<{ same: boolean }>`select current_user = current_schema() as same`.execute(at.db);
    expect(rows).to.deep.equal([{ same: true }]);
  });

  it('reads instants and days as they are in UTC', async () => {
    const { rows } = await sql`select timestamp '2026-03-29 01:30' as local, date '2026-03-29' as day,
      date_trunc('day', timestamptz '2026-03-29T23:30:00Z') as utc_day, array[timestamptz '2026-03-29T01:30:00.5Z'] as many,
      1::int8 as small, 9007199254740993::int8 as large, 1.10::numeric as exact`.execute(at.db);
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
    const leaked = await at.db.transaction().execute(async (tx) => tx);
    const error = await failure(leaked.insertInto('reading').values({ name: 'late', body: null }).execute());
    expect(error.message).to.match(/released|committed/);
    expect(await names(at.db)).to.deep.equal([]);
  });

  it('keeps concurrent transactions apart', async () => {
    await at.db.insertInto('reading').values({ name: 'counter', rows: 0, body: null }).execute();
    const increment = () =>
      at.db.transaction().execute(async (tx) => {
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
    expect((await at.db.selectFrom('reading').select('rows').executeTakeFirstOrThrow()).rows).to.equal(20);
  });
}
