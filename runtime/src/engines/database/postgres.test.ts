import { createServer } from 'node:net';
import { expect } from 'chai';
import { sql } from 'kysely';
import { needsPostgres, type PostgresServer, startPostgres } from '../../testing/postgres.ts';
import { testDeps } from '../../testing/quiet.ts';
import { databaseConformance } from './conformance.ts';
import type { DatabaseEngine } from './port.ts';
import { openPostgres } from './postgres.ts';
import { type ServerBounds, serverPlace } from './server.ts';

describe('database postgres:', function () {
  this.timeout(60_000);
  let server: PostgresServer;
  let url: string;
  before(async function () {
    needsPostgres.call(this);
    server = await startPostgres();
    url = await server.createDatabase();
  });
  after(() => server?.stop());
  const open = (bounds?: Partial<ServerBounds>, at = url) => openPostgres({ url: at, ...testDeps(), bounds });

  describe('as every database', () => {
    databaseConformance(() => open(), {
      async reopen(engine) {
        await engine.close();
        return open();
      },
      another: () => open(),
      async cut() {
        await server.admin("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'flexder'");
      },
      impatient: (statementMs) => open({ statementMs }),
    });
  });

  describe('as a server', () => {
    let engine: DatabaseEngine;
    before(async () => {
      engine = await open({ connections: 2, connectMs: 300 });
    });
    after(() => engine?.close());

    it('bounds the wait for a connection, and says what holds them', async () => {
      const db = await engine.open('busy.example', {});
      const hold = () => db.transaction().execute((tx) => sql`select pg_sleep(1)`.execute(tx));
      const holding = [hold(), hold()];
      const error = await sql`select 1`.execute(db).catch((reason) => reason);
      expect(error.message).to.match(/no database connection within \d+ ms: all 2 are in use/);
      await Promise.all(holding);
      expect((await sql`select 1 as n`.execute(db)).rows).to.deep.equal([{ n: 1 }]);
    });

    it('serves more subscribers than it has connections, each under its own role', async () => {
      const ids = Array.from({ length: 6 }, (_, index) => `many-${index}.example`);
      const all = await Promise.all(ids.map((id) => engine.open(id, {})));
      const roles = await Promise.all(
        [...all, ...all].map(async (db) => {
          const { rows } = await sql<{ role: string; schema: string }>`
            select current_user::text as role, current_schema()::text as schema`.execute(db);
          expect(rows[0]?.role).to.equal(rows[0]?.schema);
          return rows[0]?.role;
        }),
      );
      expect(new Set(roles).size).to.equal(6);
    });

    it('never says the password, whatever fails', async () => {
      const secret = 's3cr3t-wrong';
      const { port, hostname, pathname } = new URL(url);
      const closed = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => closed.once('listening', resolve));
      const { port: dead } = closed.address() as { port: number };
      await new Promise((resolve) => closed.close(resolve));
      const cases: [string, RegExp][] = [
        [`postgres://flexder:${secret}@${hostname}:${port}${pathname}`, /password authentication failed/],
        [
          `postgres://flexder:${secret}@127.0.0.1:${dead}/flexder`,
          /no connection to the database flexder as flexder at/,
        ],
        [`postgres://flexder:${secret}@/flexder`, /is no URL/],
        [`postgres://:${secret}@host/flexder`, /names no user/],
        [`postgres://flexder:${secret}@host`, /names no database/],
        [`postgres://flexder:${secret}%zz@host/db`, /write it %25/],
        [`postgres://flexder:${secret}@host/db?sslmode=maybe`, /sslmode/],
        [`postgres://flexder:${secret}@host/db?password=x`, /not known \(password\)/],
      ];
      for (const [wrong, message] of cases) {
        const error: Error = await open({}, wrong).catch((reason) => reason);
        expect(error.message).to.match(message);
        for (let at: unknown = error; at instanceof Error; at = at.cause)
          expect(`${at.stack} ${JSON.stringify(at)}`, wrong).to.not.contain(secret);
      }
    });

    it('says which rights a login needs that has too few', async () => {
      await server.admin(`create role small login password '${server.password}'`);
      const own = await open({}, url.replace('flexder:', 'small:'));
      const error = await own.open('denied.example', {}).catch((reason) => reason);
      await own.close();
      expect(error.message).to.match(/the schema of denied.example cannot be set up.*needs CREATEROLE, and CREATE/);
    });

    it('is closed within its bound when a transaction never ends', async () => {
      const short = await openPostgres({ url, ...testDeps() });
      const db = await short.open('never.example', {});
      let began = () => {};
      const begun = new Promise<void>((resolve) => {
        began = resolve;
      });
      const error = db
        .transaction()
        .execute(async (tx) => {
          began();
          await sql`select pg_sleep(50)`.execute(tx);
        })
        .catch((reason) => reason);
      await begun;
      await short.close();
      expect((await error).message).to.match(/terminated|closed/i);
    });
  });
});

describe('the URL of a PostgreSQL server', () => {
  it('is read, and certificates are verified unless the server is on this machine', () => {
    expect(serverPlace('URL', 'postgres://me:p%40ss@db.example:6543/flex')).to.deep.equal({
      ...{ host: 'db.example', port: 6543, database: 'flex', user: 'me', password: 'p@ss' },
      ssl: { rejectUnauthorized: true },
    });
    expect(serverPlace('URL', 'postgresql://me@[::1]/flex')).to.include({ host: '::1', port: 5432, ssl: false });
    expect(serverPlace('URL', 'postgres://me@db/flex?sslmode=require').ssl).to.deep.equal({
      rejectUnauthorized: false,
    });
    expect(serverPlace('URL', 'postgres://me@db/flex?sslmode=disable').ssl).to.equal(false);
    expect(serverPlace('URL', 'postgres://me@127.0.0.1/flex').ssl).to.equal(false);
    const elsewhere = serverPlace('URL', 'postgres://me@127.example.com/flex').ssl;
    expect(elsewhere, 'a name that begins like an address').to.deep.equal({ rejectUnauthorized: true });
  });
});
