import { verifyChain } from '@flexder/protocol/audit/chain.ts';
import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { createAuditLog } from '../audit/log.ts';
import { createSealer } from '../audit/sealer.ts';
import { SteppedGridClock } from '../clock.ts';
import { type Context, systemIds } from '../context.ts';
import type { DatabaseEngine } from '../engines/database/port.ts';
import { openPostgres } from '../engines/database/postgres.ts';
import { createMetrics } from '../metrics.ts';
import { needsPostgres, type PostgresServer, startPostgres } from '../testing/postgres.ts';
import { testDeps } from '../testing/quiet.ts';
import { type OwnKeyTable, ownKeys } from './own-keys.ts';
import { type ParticipantTables, participantMigrations } from './tables.ts';
import type { InboundMessage, ParticipantConfig, UnitOfWork } from './types.ts';
import { createTransactor, HandledElsewhereError } from './unit-of-work.ts';

const ID = 'bap.example';

describe('two processes of one participant on one database', function () {
  this.timeout(60_000);
  let server: PostgresServer;
  let url: string;
  const engines: DatabaseEngine[] = [];
  before(async function () {
    needsPostgres.call(this);
    server = await startPostgres();
    url = await server.createDatabase();
  });
  after(async () => {
    await Promise.all(engines.map((engine) => engine.close()));
    await server?.stop();
  });

  async function openProcess(subscriber = ID) {
    const deps = testDeps();
    const engine = await openPostgres({ url, ...deps });
    engines.push(engine);
    const db = await engine.open<ParticipantTables>(subscriber, participantMigrations);
    const context = {
      ...{ ...deps, ids: systemIds(), metrics: createMetrics('test'), grid: new SteppedGridClock(0) },
    } as unknown as Context;
    const config = { subscriberId: subscriber, type: 'BAP' } as unknown as ParticipantConfig;
    const transactor = createTransactor({
      context,
      config,
      db,
      peek: () => undefined,
      committed() {},
      forArchive() {},
    });
    const sealer = createSealer({ db, ...context, sealed() {} });
    return {
      db,
      transactor,
      sealer,
      audit: createAuditLog(db, sealer, { sealed() {}, async now() {}, async close() {} }),
      log: deps.log,
    };
  }

  async function chainOf(audit: { pages(): AsyncGenerator<AuditRecord[]> }): Promise<AuditRecord[]> {
    const all: AuditRecord[] = [];
    for await (const page of audit.pages()) all.push(...page);
    return all;
  }

  it('seal_one_chain_without_a_fork', async () => {
    const processes = await Promise.all([openProcess(), openProcess(), openProcess()]);
    const written = 40;
    await Promise.all(
      processes.map(async ({ transactor, sealer }, at) => {
        for (let i = 0; i < written; i++) {
          await transactor.transact((work) => work.audit({ event_type: 'test', decision: `${at}/${i}` }));
          if (i % 3 === 0) await sealer.sealNow();
        }
        await sealer.sealNow();
      }),
    );
    const { audit } = processes[0]!;
    const records = await chainOf(audit);
    expect(records.map(({ seq }) => seq)).to.deep.equal(records.map((_, index) => index + 1));
    expect(new Set(records.map(({ decision }) => decision)).size).to.equal(processes.length * written);
    expect(verifyChain(records)).to.deep.include({ valid: true });
    for (const { log } of processes) expect(log.lines.filter(({ level }) => level === 'error')).to.deep.equal([]);
    await Promise.all(processes.map(({ sealer }) => sealer.close()));
  });

  it('are one subscriber with one key, also when both start for the first time', async () => {
    const processes = await Promise.all([openProcess('keys.example'), openProcess('keys.example')]);
    const keys = await Promise.all(
      processes.map(({ db }) => ownKeys(db as unknown as Kysely<{ own_key: OwnKeyTable }>, systemIds())),
    );
    expect(keys[0]).to.deep.equal(keys[1]);
    const { db } = processes[0]!;
    expect(await db.selectFrom('own_key').select('key_id').execute()).to.deep.equal([{ key_id: keys[0]?.keyId }]);
  });

  it('handle a message once, whoever is first', async () => {
    const [one, two] = [await openProcess(), await openProcess()];
    const message = {
      ...{ signerId: 'bpp.example', action: 'on_select', body: { context: { message_id: 'm-1' } } },
    } as unknown as InboundMessage;
    await one.db
      .insertInto('inbound_message')
      .values({
        ...{ signer: 'bpp.example', action: 'on_select', message_id: 'm-1', sha256: '', transaction_id: 't' },
        ...{ body: '', signature: '', received_at: new Date(), state: 'stored', error: null },
      })
      .execute();
    const handle = ({ transactor }: typeof one) =>
      transactor.transact((work) => work.audit({ event_type: 'handled', message_id: 'm-1' }), { handled: message });
    const outcomes = await Promise.allSettled([handle(one), handle(two)]);
    const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(lost.map(({ reason }) => reason)).to.have.length(1);
    expect(lost[0]?.reason).to.be.instanceOf(HandledElsewhereError);
    const { rows } = await sql<{ n: number }>`
      select count(*) as n from audit_record where record->>'event_type' = 'handled'`.execute(one.db);
    expect(rows).to.deep.equal([{ n: 1 }]);
  });

  it('run a transaction again that the database ended for the sake of the other', async () => {
    const [one, two] = [await openProcess('deadlock.example'), await openProcess('deadlock.example')];
    await sql`create table pair (id int primary key, n int not null)`.execute(one.db);
    await sql`insert into pair values (1, 0), (2, 0)`.execute(one.db);
    let waiting = 2;
    let meet = () => {};
    const met = new Promise<void>((resolve) => {
      meet = resolve;
    });
    let runs = 0;
    const raise = ({ transactor }: typeof one, first: number, second: number) =>
      transactor.transact(async (work: UnitOfWork<unknown>) => {
        runs++;
        await sql`update pair set n = n + 1 where id = ${first}`.execute(work.db);
        if (--waiting <= 0) meet();
        await met;
        await sql`update pair set n = n + 1 where id = ${second}`.execute(work.db);
        await work.audit({ event_type: 'raised' });
      });
    await Promise.all([raise(one, 1, 2), raise(two, 2, 1)]);
    expect(runs).to.equal(3);
    expect((await sql`select n from pair`.execute(one.db)).rows).to.deep.equal([{ n: 2 }, { n: 2 }]);
    expect(await one.db.selectFrom('audit_record').select('id').execute()).to.have.length(2);
  });
});
