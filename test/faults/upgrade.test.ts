/** Rows that earlier versions left in the middle of their work, taken up by this one. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AggregatorService } from '@flexder/bpp-aggregator/main.ts';
import { AGGREGATOR_MIGRATIONS } from '@flexder/bpp-aggregator/migrations.ts';
import { type Bench, openBench } from '@flexder/bpp-aggregator/testing/bench.ts';
import { reports } from '@flexder/bpp-aggregator/testing/purchase.ts';
import { verifyChain } from '@flexder/protocol/audit/chain.ts';
import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import { expect } from 'chai';
import { sql } from 'kysely';
import { openRows, type StoredRows, writeRows } from './fixtures/rows.ts';

const folder = join(import.meta.dirname, 'fixtures');
const fixtures = readdirSync(folder).filter((name) => name.endsWith('.json'));

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
      const stored: StoredRows = JSON.parse(readFileSync(join(folder, name), 'utf8'));
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
      const { migrations } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as StoredRows;
      const own = migrations.filter((one) => one in AGGREGATOR_MIGRATIONS);
      expect(own, name).to.deep.equal(Object.keys(AGGREGATOR_MIGRATIONS).slice(0, own.length));
    }
  });
});
