/** Rows that earlier versions left in the middle of their work, taken up by this one. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { migrations } from '@flexder/bap-dso/migrations.ts';
import { aggregator, dispatched, statusOf } from '@flexder/bap-dso/testing/aggregator.ts';
import { openTestDatabase, type TestDatabase } from '@flexder/bap-dso/testing/test-database.ts';
import { Trade } from '@flexder/bap-dso/testing/trade.ts';
import { states } from '@flexder/bap-dso/testing/trades.ts';
import type { AggregatorService } from '@flexder/bpp-aggregator/main.ts';
import { AGGREGATOR_MIGRATIONS } from '@flexder/bpp-aggregator/migrations.ts';
import { type Bench, openBench } from '@flexder/bpp-aggregator/testing/bench.ts';
import { reports } from '@flexder/bpp-aggregator/testing/purchase.ts';
import { verifyChain } from '@flexder/protocol/audit/chain.ts';
import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { chosenOf, openRows, type StoredRows, writeRows } from './fixtures/rows.ts';

const folder = join(import.meta.dirname, 'fixtures');
const fixturesOf = (service: string) =>
  readdirSync(folder).filter((name) => name.startsWith(`${service}-`) && name.endsWith('.json'));
const readFixture = (name: string): StoredRows => JSON.parse(readFileSync(join(folder, name), 'utf8'));
const fixtures = fixturesOf('aggregator');

describe('faults: an upgrade in the middle of an order', function () {
  this.timeout(60_000);
  let bench: Bench;
  let service: AggregatorService | undefined;
  afterEach(async () => {
    await service?.close();
    service = undefined;
    await bench?.close();
  });

  it('there are rows of an earlier version, or of this one', () => expect(fixtures).to.not.deep.equal([]));

  for (const name of fixtures)
    it(`F-24 ${name}: what was acknowledged is answered, unsent commands leave once, the chain goes on`, async () => {
      const stored = readFixture(name);
      bench = await openBench({ ders: 12, onDisk: true });
      bench.world.bap('dso-1');
      await writeRows(await openRows(bench, stored.migrations), stored);
      await bench.crash();

      service = await bench.start();
      await bench.report();
      const [running] = stored.tables.flex_order!.filter(({ state }) => state === 'SCHEDULED');
      const transactionId = String(running!.transaction_id);
      const unsent = stored.tables.command!.filter(({ state }) => state === 'PENDING');
      expect(unsent.length).to.be.above(0);
      const closed = () => reports(bench, transactionId).at(-1)?.dispatch;
      await bench.until('the unsent commands', () => bench.fleet.received.length >= unsent.length);
      await bench.settle();
      expect(bench.fleet.received.map(({ command_id }) => command_id)).to.have.members(
        unsent.map(({ command_id }) => command_id),
      );

      const acknowledged = stored.tables.inbound_message!.filter(({ state }) => state === 'stored');
      expect(acknowledged).to.have.lengthOf(1);
      await bench.world.next(
        'on_status',
        transactionId,
        ({ context }) => context.message_id === acknowledged[0]!.message_id,
      );

      await bench.advance(bench.grid.nowMs() + 20_000);
      await bench.until('the answers', () => closed()?.closed === true);
      expect(closed()).to.include({ commands: stored.tables.command!.length, accepted: unsent.length });
      const db = await openRows(bench);
      const { rows: quotes } = await sql<{ state: string }>`
        select state from flex_order where order_no <> ${running!.order_no}`.execute(db);
      expect(quotes).to.deep.equal([{ state: 'EXPIRED' }]);

      await service.close();
      service = undefined;
      const { rows: records } = await sql<{ record: AuditRecord }>`
        select record from audit_record where seq is not null order by seq`.execute(db);
      expect(records.length).to.be.above(stored.tables.audit_record!.length);
      expect(verifyChain(records.map(({ record }) => record))).to.deep.include({ valid: true });
    });

  it('knows every migration by which stored rows were made', () => {
    for (const name of fixtures) {
      const own = readFixture(name).migrations.filter((one) => one in AGGREGATOR_MIGRATIONS);
      expect(own, name).to.deep.equal(Object.keys(AGGREGATOR_MIGRATIONS).slice(0, own.length));
    }
  });
});

describe('faults: an upgrade of the DSO while it buys', function () {
  this.timeout(60_000);
  const dsoFixtures = fixturesOf('dso');
  let db: TestDatabase | undefined;
  let trade: Trade | undefined;
  afterEach(async () => {
    await trade?.close();
    await db?.close();
    trade = undefined;
    db = undefined;
  });

  it('there are rows of an earlier version, or of this one', () => expect(dsoFixtures).to.not.deep.equal([]));

  for (const name of dsoFixtures)
    it(`F-24 ${name}: what was ordered runs, what was not answered is bought elsewhere, nothing is bought twice`, async () => {
      const stored = readFixture(name);
      db = await openTestDatabase(chosenOf(migrations, stored.migrations));
      await writeRows(db.database as unknown as Kysely<never>, stored);
      trade = await Trade.on(await db.upgraded(), { c: aggregator('c') });
      await trade.events.resume();
      await trade.settle();
      expect(trade.sent, 'nothing is said anew').to.deep.equal([]);
      expect(await states(trade)).to.deep.equal(['a SCHEDULED', 'b INITIALISING']);

      const ordered = (await trade.orders()).find(({ bpp_id }) => bpp_id === 'a')!;
      const running = statusOf(trade, ordered, 'IN_PROGRESS', { dispatch: dispatched(trade) });
      await trade.callback('a', 'on_status', ordered.transaction_id, running);
      trade.wall.pass(1_000);
      await trade.settle();
      expect(await states(trade)).to.deep.equal(['a IN_PROGRESS', 'b EXPIRED', 'c SCHEDULED']);
      expect(trade.actions('confirm').map(({ to }) => to)).to.deep.equal(['c']);
      const [event, ...more] = await trade.overloads();
      expect([event!.event_id, event!.state, more]).to.deep.equal([
        stored.tables.overload![0]!.event_id,
        'DISPATCHED',
        [],
      ]);
    });

  it('knows every migration by which stored rows were made', () => {
    for (const name of dsoFixtures) {
      const stored = readFixture(name).migrations;
      expect(stored, name).to.deep.equal(Object.keys(migrations).slice(0, stored.length));
    }
  });
});
