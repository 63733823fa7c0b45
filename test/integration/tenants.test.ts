/** Several DSOs and aggregators in one deployment: each has what is its own, and nothing finds what is another's. */
import { readFileSync } from 'node:fs';
import { bapConfig } from '@flexder/bap-dso/config.ts';
import { ownerMigration, ownTables } from '@flexder/bap-dso/edge/owner.ts';
import { startBap } from '@flexder/bap-dso/main.ts';
import { migrations as BAP_MIGRATIONS } from '@flexder/bap-dso/migrations.ts';
import { AGGREGATOR_MIGRATIONS } from '@flexder/bpp-aggregator/migrations.ts';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import type { Service } from '@flexder/runtime/context.ts';
import { subscriberName } from '@flexder/runtime/engines/database/names.ts';
import { openPglite } from '@flexder/runtime/engines/database/pglite.ts';
import type { DatabaseEngine } from '@flexder/runtime/engines/database/port.ts';
import { openPostgres } from '@flexder/runtime/engines/database/postgres.ts';
import { decode, encode } from '@flexder/runtime/engines/events/kafka/record.ts';
import { memoryEvents } from '@flexder/runtime/engines/events/memory.ts';
import { tenantEvents } from '@flexder/runtime/engines/events/tenant.ts';
import { createMetrics } from '@flexder/runtime/metrics.ts';
import { participantMigrations } from '@flexder/runtime/participant/open.ts';
import { needsPostgres, type PostgresServer, startPostgres } from '@flexder/runtime/testing/postgres.ts';
import { recordingLogger, testDeps } from '@flexder/runtime/testing/quiet.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { glob } from '../harness/glob.ts';
import { TestNetwork } from '../harness/network.ts';

const MINUTE_MS = 60_000;
const OTHER_DSO = 'dso-2';
const BAP = { ...participantMigrations, ...BAP_MIGRATIONS };
const BPP = { ...participantMigrations, ...AGGREGATOR_MIGRATIONS };

interface Place {
  readonly schema: string;
  readonly owner: string;
  readonly tables: number;
}

/** Where there are tables, and whose they are. The catalogue of the database is the same for everybody. */
async function places(db: Kysely<unknown>): Promise<Place[]> {
  const { rows } = await sql<Place>`
    select n.nspname as schema, pg_get_userbyid(c.relowner) as owner, count(*)::int as tables
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'S', 'v', 'm') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
      and n.nspname not like '%timescale%'
    group by 1, 2 order by 1`.execute(db);
  return rows;
}

/** Every role that may use a schema of another tenant, or read a table in it. */
async function trespassers(db: Kysely<unknown>, tenants: readonly string[]): Promise<string[]> {
  const names = tenants.map(subscriberName);
  const { rows } = await sql<{ role: string; schema: string }>`
    select distinct r.rolname as role, n.nspname as schema
    from pg_roles r cross join pg_namespace n left join pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p')
    where r.rolname = any(${names}::text[]) and n.nspname = any(${[...names, 'bullmq']}::text[]) and r.rolname <> n.nspname
      and (has_schema_privilege(r.rolname, n.oid, 'usage, create')
        or (c.oid is not null and has_table_privilege(r.rolname, c.oid, 'select, insert, update, delete')))`.execute(
    db,
  );
  return rows.map(({ role, schema }) => `${role} may use ${schema}`);
}

/** Every tenant has tables, in a schema and of a role of its own name; nothing lies elsewhere but what the queue keeps. */
function expectOwn(found: readonly Place[], tenants: readonly string[]): void {
  const own = found.filter(({ schema }) => schema !== 'bullmq');
  expect(own.map(({ schema }) => schema)).to.have.members(tenants.map(subscriberName));
  for (const { schema, owner, tables } of own) {
    expect(owner, schema).to.equal(schema);
    expect(tables, schema).to.be.above(5);
  }
}

describe('tenants of one deployment', function () {
  this.timeout(60_000);

  it('two DSOs and two aggregators in one process and one database have nothing in common', async function () {
    thorough.call(this);
    await using net = await TestNetwork.create({ ders: 24 });
    const { context, scenario } = net;
    const other: Service = await startBap(
      context,
      bapConfig({
        ...{ host: '127.0.0.1', port: 0, subscriberId: OTHER_DSO, dsoName: 'Another DSO', networkProfile: 'sandbox' },
        registryUrl: net.registry.url,
        // The same feeders by name, told of by the stream that all of this process share.
        ...{
          monitoring: 'stream',
          feeders: scenario.feeders.map(({ feederId, name, limitKw }) => ({ feederId, name, limitKw })),
        },
      }),
    );
    try {
      await net.settle();
      for (let minute = 0; minute < 2; minute++) await net.advance(MINUTE_MS);
      net.feeder.push(1.3);
      for (let minute = 0; minute < 3; minute++) await net.advance(MINUTE_MS);
      net.feeder.relax();
      for (let i = 0; i < 24 && (await context.engines.archive.list('')).length === 0; i++)
        await net.advance(5 * MINUTE_MS);
      const count = async (url: string, what: string) => {
        const answer = (await (await fetch(new URL(`/api/v1/${what}`, url))).json()) as Record<string, unknown[]>;
        return answer[what]?.length;
      };
      expect(await count(net.bap.url, 'orders')).to.be.above(0);
      expect(await count(other.url, 'orders')).to.equal(0);

      const tenants = ['dso-1', OTHER_DSO, ...scenario.aggregators.map(({ subscriberId }) => subscriberId)];
      const [dso, second] = await Promise.all(
        ['dso-1', OTHER_DSO].map((id) => context.engines.database.open<Record<string, never>>(id, BAP)),
      );
      const everybody = [...tenants, 'gateway', 'registry'];
      const found = await places(dso as Kysely<unknown>);
      expectOwn(
        found.filter(({ schema }) => tenants.map(subscriberName).includes(schema)),
        tenants,
      );
      const known = new Set([...everybody.map((id) => subscriberName(id)), 'bullmq']);
      const strange = found.filter(({ schema, owner }) => !known.has(schema) && schema !== owner);
      expect(strange).to.deep.equal([]);
      expect(await trespassers(dso as Kysely<unknown>, tenants)).to.deep.equal([]);
      const rows = async (db: Kysely<never>, table: string) =>
        (await sql<{ n: number }>`select count(*)::int as n from ${sql.table(table)}`.execute(db)).rows[0]!.n;
      for (const table of ['overload', 'flex_order', 'feeder_reading']) {
        expect(await rows(dso as Kysely<never>, table), table).to.be.above(0);
        expect(await rows(second as Kysely<never>, table), table).to.equal(0);
      }

      const queues = (await context.engines.queue.opened()).map(({ name }) => name);
      for (const tenant of tenants)
        expect(queues.filter((name) => name.includes(subscriberName(tenant)))).to.have.length(1);
      const keys = await context.engines.archive.list('');
      expect(keys).to.not.deep.equal([]);
      expect([...new Set(keys.map((key) => key.split('/')[0]))].filter((id) => !everybody.includes(id!))).to.deep.equal(
        [],
      );
    } finally {
      await other.close();
    }
  });

  it('what one publishes does not come to another, and what nobody of the network publishes comes to all', async () => {
    const stream = memoryEvents(recordingLogger());
    const heard: Record<string, unknown[]> = { a: [], b: [] };
    const [a, b] = ['a', 'b'].map((tenant) => tenantEvents(stream, tenant)) as [typeof stream, typeof stream];
    await a.subscribe('bap', ({ value }) => void heard.a!.push(value));
    await b.subscribe('bap', ({ value }) => void heard.b!.push(value), { group: 'bap.b' });
    await a.publish([{ topic: 'bap', key: 'k', value: 'of a' }]);
    await b.publish([{ topic: 'bap', key: 'k', value: 'of b' }]);
    await stream.publish([{ topic: 'bap', key: 'k', value: 'weather' }]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard).to.deep.equal({ a: ['of a', 'weather'], b: ['of b', 'weather'] });
  });

  it('on Kafka a record says who published it, and is of nobody without that', () => {
    const contract = { schemaOf: () => 'anything/1', refuse: () => undefined };
    const event = { topic: 'bap', key: 'k', value: 1, source: 'a' };
    const { source, schema, value } = encode(event, contract);
    const record = { key: Buffer.from('k'), value, schema, source };
    expect(decode('bap', record, contract)).to.deep.equal({ event });
    const { source: _, ...outside } = event;
    expect(decode('bap', { ...record, source: undefined }, contract)).to.deep.equal({ event: outside });
  });

  it('two DSOs whose monitors have one id do not share its tables', async () => {
    const engine = await openPglite({ location: 'memory', ...testDeps() });
    try {
      const db = await engine.open<unknown>('edge-1', { '0003-owner': ownerMigration });
      await ownTables(db, 'edge-1', 'dso-1');
      await ownTables(db, 'edge-1', 'dso-1');
      const refused = await ownTables(db, 'edge-1', 'dso-2').then(
        () => 'taken',
        (error: Error) => error.message,
      );
      expect(refused).to.match(/monitor edge-1 .* are those of another DSO/);
    } finally {
      await engine.close();
    }
  });

  it('metrics of one service say whose they are', async () => {
    const metrics = createMetrics('bpp', 'aggregator-1');
    metrics.count('orders');
    expect(await metrics.text()).to.include('flexder_orders{service="bpp",subscriber="aggregator-1"} 1');
  });

  it('no statement names a schema but those of the database itself', () => {
    const qualified = /\b(?:from|join|into|update|truncate|table)\s+"?([a-z_]+)"?\.\s*"?[a-z_]+/g;
    const allowed = new Set(['pg_catalog', 'information_schema', 'timescaledb_information']);
    const sources = glob(['bap-dso/src', 'bpp-aggregator/src', 'registry-mock/src', 'runtime/src'], /(?<!\.test)\.ts$/);
    const named = sources.flatMap((path) =>
      statementsOf(readFileSync(path, 'utf8')).flatMap((text) =>
        [...text.matchAll(qualified)].filter((match) => !allowed.has(match[1]!)).map((match) => `${path}: ${match[0]}`),
      ),
    );
    expect(named).to.deep.equal([]);
    expect(statementsOf('sql`select 1 from p_other.der`')[0]).to.match(qualified);
    expect(sources).to.have.length.above(200);
  });
});

/** Text between backquotes: what is sent to the database is written so. */
function statementsOf(text: string): string[] {
  return [...text.matchAll(/`[^`]*`/g)].map((match) => match[0]);
}

describe('tenants of one PostgreSQL server', function () {
  this.timeout(60_000);
  let server: PostgresServer;
  let url: string;
  const opened: DatabaseEngine[] = [];
  const tenants = ['dso-a', 'dso-b', 'agg-a', 'agg-b'];
  const open = async (at: string) => {
    const engine = await openPostgres({ url: at, wall: systemWallClock(), log: recordingLogger() });
    opened.push(engine);
    return engine;
  };

  before(async function () {
    needsPostgres.call(this);
    server = await startPostgres();
    url = await server.createDatabase();
  });
  after(async () => {
    for (const engine of opened) await engine.close();
    await server?.stop();
  });

  it('have schemas that no role of another may use', async () => {
    const engine = await open(url);
    for (const tenant of tenants) await engine.open(tenant, tenant.startsWith('dso') ? BAP : BPP);
    const db = await engine.open<unknown>('dso-a', BAP);
    expectOwn(await places(db), tenants);
    expect(await trespassers(db, tenants)).to.deep.equal([]);
    // What would be found: the twin of the line above.
    await server.admin(
      `grant usage on schema "${subscriberName('dso-b')}" to "${subscriberName('dso-a')}"`,
      databaseOf(url),
    );
    expect(await trespassers(db, tenants)).to.deep.equal([
      `${subscriberName('dso-a')} may use ${subscriberName('dso-b')}`,
    ]);
    await server.admin(
      `revoke usage on schema "${subscriberName('dso-b')}" from "${subscriberName('dso-a')}"`,
      databaseOf(url),
    );
  });

  it('may each have a login of its own, which finds its tables and cannot become another', async () => {
    const role = subscriberName('agg-a');
    await server.admin(`create role agg_a_login login noinherit password 'a-password'; grant "${role}" to agg_a_login`);
    const own = new URL(url);
    own.username = 'agg_a_login';
    own.password = 'a-password';
    const engine = await open(own.href);
    const db = await engine.open<Record<string, never>>('agg-a', BPP);
    expect((await sql<{ n: number }>`select count(*)::int as n from der`.execute(db)).rows[0]!.n).to.equal(0);
    const failure = async (run: Promise<unknown>) =>
      run.then(
        () => 'done',
        (error: Error) => error.message,
      );
    const foreign = subscriberName('agg-b');
    expect(await failure(sql.raw(`select * from "${foreign}".der`).execute(db))).to.match(
      /permission denied for schema/,
    );
    expect(await failure(sql.raw(`set role "${foreign}"`).execute(db))).to.match(/permission denied to set role/);
    expect(await failure(engine.open('agg-b', BPP))).to.match(/the schema of agg-b cannot be set up/);
  });
});

const databaseOf = (url: string) => new URL(url).pathname.slice(1);
