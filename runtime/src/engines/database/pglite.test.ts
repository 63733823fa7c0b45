import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { sql } from 'kysely';
import { DirectoryLockedError } from '../../lock.ts';
import { testDeps } from '../../testing/quiet.ts';
import { databaseConformance } from './conformance.ts';
import { maintainOnce } from './maintenance.ts';
import { openPglite } from './pglite.ts';
import { loadTemplate, versionOf } from './template.ts';

describe('database pglite:directory', () => {
  const root = mkdtempSync(join(tmpdir(), 'flexder-database-'));
  const open = () => openPglite({ location: join(root, 'data'), ...testDeps() });
  after(() => rmSync(root, { recursive: true, force: true }));

  databaseConformance(open, {
    async reopen(engine) {
      const refused = await open().catch((error) => error);
      expect(refused).to.be.instanceOf(DirectoryLockedError);
      expect(refused.message).to.contain(String(process.pid));
      await engine.close();
      const again = await open();
      expect(again.origin).to.equal('existing');
      return again;
    },
  });
});

describe('the shared PGlite session', () => {
  let engine: Awaited<ReturnType<typeof openPglite>>;
  before(async () => {
    engine = await openPglite({ location: 'memory', ...testDeps() });
  });
  after(() => engine.close());

  const create = {
    '001': {
      up: (on: Parameters<ReturnType<typeof sql>['execute']>[0]) =>
        sql`create table t (id int)`.execute(on).then(() => {}),
    },
  };

  it('runs a repeated statement under whoever sends it, however often it was prepared', async () => {
    const [one, two] = [
      await engine.open<{ t: { id: number } }>('one.example', create),
      await engine.open<{ t: { id: number } }>('two.example', create),
    ];
    for (let i = 0; i < 5; i++) {
      await one.insertInto('t').values({ id: i }).execute();
      await two
        .insertInto('t')
        .values({ id: i + 100 })
        .execute();
    }
    const ids = async (db: typeof one) =>
      (await db.selectFrom('t').select('id').orderBy('id').execute()).map((row) => row.id);
    expect(await ids(one)).to.deep.equal([0, 1, 2, 3, 4]);
    expect(await ids(two)).to.deep.equal([100, 101, 102, 103, 104]);
  });

  it('serves a prepared statement again after the table changed under it', async () => {
    const db = await engine.open<{ t: { id: number } }>('changed.example', create);
    const all = () => db.selectFrom('t').selectAll().execute();
    for (let i = 0; i < 3; i++) await all();
    await sql`alter table t add column note text`.execute(db);
    await db.insertInto('t').values({ id: 1 }).execute();
    const first = await all().catch((error) => error.code);
    expect(['0A000', JSON.stringify([{ id: 1, note: null }])]).to.include(
      typeof first === 'string' ? first : JSON.stringify(first),
    );
    expect(await all()).to.deep.equal([{ id: 1, note: null }]);
  });

  it('prepares more statements than it keeps', async () => {
    const db = await engine.open('many.example', {});
    for (let i = 0; i < 300; i++) {
      for (let twice = 0; twice < 2; twice++) {
        const { rows } = await sql<{ n: number }>`select ${i}::int + ${sql.raw(String(i))} as n`.execute(db);
        expect(rows).to.deep.equal([{ n: 2 * i }]);
      }
    }
    const { rows } = await sql<{ n: number }>`select count(*) as n from pg_prepared_statements`.execute(db);
    expect(rows[0]?.n).to.be.within(1, 258);
  });

  it('reclaims the rows that updates leave behind', async () => {
    const db = await engine.open<{ t: { id: number } }>('vacuum.example', create);
    await sql`insert into t select generate_series(1, 3000)`.execute(db);
    await sql`update t set id = id + 1`.execute(db);
    const { vacuumed } = await maintainOnce(engine.shared);
    expect(vacuumed).to.match(/^p_vacuum_example_\w+\.t$/);
    expect((await maintainOnce(engine.shared)).vacuumed).to.equal(undefined);
  });

  it('tells those who wait for their turn when it closes', async () => {
    const db = await engine.open('closing.example', {});
    const order: string[] = [];
    const running = db.transaction().execute(async (tx) => {
      const waiting = sql`select 1`.execute(db).catch((error) => order.push(error.message));
      const closed = engine.close();
      await sql`select 1`.execute(tx);
      order.push('transaction');
      return { closed, waiting };
    });
    const { closed, waiting } = await running;
    await closed;
    await waiting;
    expect(order).to.deep.equal(['transaction', 'the database is closed']);
  });
});

describe('the template of a data directory', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'flexder-template-'));
    writeFileSync(join(folder, 'pglite-template.tar'), 'data');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  const made = (versions: unknown) => writeFileSync(join(folder, 'pglite-template.json'), JSON.stringify(versions));

  it('is used when it was made of the installed versions, and else not', async () => {
    expect(loadTemplate(folder), 'no versions').to.equal(undefined);
    const installed = { pglite: versionOf('@electric-sql/pglite'), bullmq: versionOf('bullmq') };
    expect(installed.pglite).to.match(/^\d+\.\d+\.\d+/);
    made({ ...installed, pglite: '0.0.1' });
    expect(loadTemplate(folder)).to.equal(undefined);
    made({ ...installed, bullmq: '0.0.1' });
    expect(loadTemplate(folder)).to.equal(undefined);
    made(installed);
    expect(await loadTemplate(folder)?.text()).to.equal('data');
    expect(loadTemplate(join(folder, 'none'))).to.equal(undefined);
  });
});
