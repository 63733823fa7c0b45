import type { DatabaseEngine } from '@flexder/runtime/engines/database/port.ts';
import { openPostgres } from '@flexder/runtime/engines/database/postgres.ts';
import { participantMigrations } from '@flexder/runtime/participant/open.ts';
import { needsPostgres, type PostgresServer, startPostgres } from '@flexder/runtime/testing/postgres.ts';
import { testDeps } from '@flexder/runtime/testing/quiet.ts';
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { AGGREGATOR_MIGRATIONS } from '../migrations.ts';
import type { AggregatorTables } from '../tables.ts';
import type { Pick } from './allocation.ts';
import { expireQuotes, hold } from './holds.ts';

const DEVICES = 12;
const ORDERS = 16;
const HOUR_MS = 3_600_000;
const WINDOW = { startMs: Date.UTC(2026, 0, 15, 17), endMs: Date.UTC(2026, 0, 15, 18) };

describe('holds of one fleet by transactions that run side by side', function () {
  this.timeout(60_000);
  let server: PostgresServer;
  let engine: DatabaseEngine;
  let db: Kysely<AggregatorTables>;
  before(async function () {
    needsPostgres.call(this);
    server = await startPostgres();
    engine = await openPostgres({ url: await server.createDatabase(), ...testDeps() });
    db = await engine.open<AggregatorTables>('agg.example', { ...participantMigrations, ...AGGREGATOR_MIGRATIONS });
    await sql`
      insert into der (der_id, device_type, feeder_id, rated_kw, import_msid, consent_from, consent_until, essential)
      select 'ev-' || n, 'ev-charger', 'f', 7, n::text, '2026-01-01', '2027-01-01', false
      from generate_series(1, ${sql.lit(DEVICES)}) n`.execute(db);
  });
  beforeEach(async () => {
    await sql`delete from reservation`.execute(db);
    await sql`delete from flex_order`.execute(db);
    await sql`
      insert into flex_order (order_no, bap_id, transaction_id, state, feeder_id, window_start_at, window_end_at, selection,
        quote, quote_until_wall_at, committed_kw, created_wall_at, updated_wall_at) overriding system value
      select n, 'bap', n::text, 'QUOTED', 'f', ${new Date(WINDOW.startMs)}, ${new Date(WINDOW.endMs)}, '{}', '{}', now(), 0, now(), now()
      from generate_series(1, ${sql.lit(ORDERS)}) n`.execute(db);
  });
  after(async () => {
    await engine?.close();
    await server?.stop();
  });

  const picks = (from: number, count: number) =>
    Array.from({ length: count }, (_, index) => ({
      ...{ der: { derNo: ((from + index) % DEVICES) + 1 }, itemId: 'i', shedKw: 1, expectedKw: 1 },
    })) as unknown as (Pick & { itemId: string })[];
  const holding = (orderNo: number, wanted: ReturnType<typeof picks>, window = WINDOW) =>
    db.transaction().execute((trx) => hold(trx, orderNo, wanted, window));

  it('give each device to one order a window', async () => {
    const got = await Promise.all(Array.from({ length: ORDERS }, (_, at) => holding(at + 1, picks(at, 6))));
    const held = got.flatMap((set) => [...set]);
    expect(held.sort((a, b) => a - b)).to.deep.equal(Array.from({ length: DEVICES }, (_, index) => index + 1));
    expect((await holding(1, picks(0, DEVICES))).size).to.equal(0);
  });

  it('another window of the same devices is free', async () => {
    const next = { startMs: WINDOW.endMs, endMs: WINDOW.endMs + HOUR_MS };
    expect((await holding(1, picks(0, DEVICES))).size).to.equal(DEVICES);
    expect((await holding(2, picks(0, DEVICES), { ...next, startMs: next.startMs - 1 })).size).to.equal(0);
    expect((await holding(2, picks(0, DEVICES), next)).size).to.equal(DEVICES);
  });

  it('who inserts past the function is refused by the database', async () => {
    const insert = (orderNo: number, window: typeof WINDOW) => sql`
      insert into reservation (order_no, der_no, item_id, shed_kw, expected_kw, start_at, end_at, event_date)
      values (${orderNo}, 1, 'i', 1, 1, ${new Date(window.startMs)}, ${new Date(window.endMs)}, '2026-01-15')`;
    await insert(1, WINDOW).execute(db);
    await insert(2, { startMs: WINDOW.endMs, endMs: WINDOW.endMs + HOUR_MS }).execute(db);
    const refused = await insert(3, WINDOW)
      .execute(db)
      .catch((error: Error & { code?: string }) => error);
    expect(refused).to.include({ code: '23P01', message: 'device 1 is held by another order in that window' });
  });

  it('two that insert past it side by side are not both let in', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        db
          .transaction()
          .execute((trx) =>
            sql`insert into reservation (order_no, der_no, item_id, shed_kw, expected_kw, start_at, end_at, event_date)
              select ${at + 1}, n, 'i', 1, 1, ${new Date(WINDOW.startMs)}, ${new Date(WINDOW.endMs)}, '2026-01-15'
              from generate_series(1, ${sql.lit(DEVICES)}) n`.execute(trx),
          )
          .then(
            () => 'in',
            (error: { code?: string }) => error.code,
          ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'in')).to.have.lengthOf(1);
    expect(new Set(outcomes)).to.deep.equal(new Set(['in', '23P01']));
  });

  it('are freed once when many look at the same quotes that ran out', async () => {
    await Promise.all(Array.from({ length: DEVICES }, (_, at) => holding(at + 1, picks(at, 1))));
    const ended = await Promise.all(
      Array.from({ length: 8 }, () => db.transaction().execute((trx) => expireQuotes(trx, Date.now() + HOUR_MS))),
    );
    const orders = ended.flat().map(({ order_no }) => order_no);
    expect(orders.sort((a, b) => a - b)).to.deep.equal(Array.from({ length: ORDERS }, (_, index) => index + 1));
    expect((await sql`select * from reservation`.execute(db)).rows).to.deep.equal([]);
  });
});
