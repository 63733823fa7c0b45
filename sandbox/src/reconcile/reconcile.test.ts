import { bapTables } from '@flexder/bap-dso/audit-settlement/deps.ts';
import { sha256 } from '@flexder/bap-dso/audit-settlement/digest.ts';
import { DSO, type Opened, opened, seedOrder } from '@flexder/bap-dso/audit-settlement/fixtures/opened.ts';
import { METER_A, METER_B, meterDocument, ORDER } from '@flexder/bap-dso/audit-settlement/fixtures/worked-example.ts';
import { settlementConfig } from '@flexder/bap-dso/audit-settlement/settlement/config.ts';
import { settleOrder } from '@flexder/bap-dso/audit-settlement/settlement/settle.ts';
import { AGGREGATOR_MIGRATIONS } from '@flexder/bpp-aggregator/migrations.ts';
import type { AggregatorTables } from '@flexder/bpp-aggregator/tables.ts';
import type { MeterDocument } from '@flexder/protocol/flexibility/model.ts';
import { participantMigrations } from '@flexder/runtime/participant/open.ts';
import { expect } from 'chai';
import type { Kysely } from 'kysely';
import { reconciliation } from './compare.ts';
import { reconcile } from './reconcile.ts';

const BPP = 'bpp.example.org';
const config = settlementConfig(DSO);
const at = (time: string) => new Date(`2026-01-15T${time}:00Z`);

describe('reconciling with an aggregator', () => {
  let dso: Opened;
  let bpp: Kysely<AggregatorTables>;
  const meters = new Map<string, number>();

  async function seedAggregator(obpId: string, orderId: string, more: Partial<MeterDocument> = {}): Promise<void> {
    await bpp
      .insertInto('flex_order')
      .values({
        bap_id: DSO,
        transaction_id: `transaction-${obpId}`,
        order_id: orderId,
        state: 'COMPLETED',
        feeder_id: 'feeder-1',
        window_start_at: new Date(ORDER.window.startMs),
        window_end_at: new Date(ORDER.window.endMs),
        selection: JSON.stringify({}),
        quote: JSON.stringify({
          items: [
            { itemId: 'a', kw: 40, priceGbpPerKwh: 0.25 },
            { itemId: 'b', kw: 20, priceGbpPerKwh: 0.25 },
          ],
        }),
        quote_until_wall_at: at('17:00'),
        order_references: JSON.stringify({
          eventId: 'event-1',
          obpId,
          obpIdSource: 'network-assigned',
          interventionClass: 'INCENTIVE',
        }),
        committed_kw: 60,
        meter_document: JSON.stringify({ ...meterDocument(), obp_id: obpId, order_id: orderId, ...more }),
        meter_sha256: '0'.repeat(64),
        meter_rows: 4,
        created_wall_at: at('17:00'),
        updated_wall_at: at('17:00'),
      })
      .execute();
  }

  before(async () => {
    dso = await opened();
    const bytes = Buffer.from(JSON.stringify(meterDocument()));
    dso.documents.set('/meter/obp-1', bytes);
    await seedOrder(dso.db, { sha256: sha256(bytes) });
    await settleOrder(dso, 'obp-1');
    const tables = { ...participantMigrations, ...AGGREGATOR_MIGRATIONS };
    bpp = await dso.context.engines.database.open<AggregatorTables>(BPP, tables);
    for (const [index, msid] of [METER_A, METER_B].entries()) {
      const { der_no } = await bpp
        .insertInto('der')
        .values({
          der_id: `der-${index}`,
          device_type: 'battery',
          feeder_id: 'feeder-1',
          rated_kw: 50,
          import_msid: msid,
          export_msid: null,
          consent_from: at('00:00'),
          consent_until: at('23:00'),
          essential: false,
          opted_out_until: null,
        })
        .returning('der_no')
        .executeTakeFirstOrThrow();
      meters.set(msid, der_no);
    }
  });
  beforeEach(async () => {
    await bpp.deleteFrom('flex_order').execute();
    await bpp.deleteFrom('half_hour').execute();
    await seedAggregator('obp-1', 'order-1');
    await energy(METER_A, '17:00', 5);
  });
  after(() => dso.close());

  const energy = (msid: string, time: string, kwh: number) =>
    bpp
      .insertInto('half_hour')
      .values({ der_no: meters.get(msid)!, start_at: at(time), kwh, quality: 'GOOD' })
      .execute();
  const run = (terms = config) => reconcile(bapTables(dso), bpp, BPP, terms);

  it('finds the same figures to the penny when both have the same data', async () => {
    expect(await run()).to.deep.equal({
      aggregator_id: BPP,
      agreed: true,
      orders: 1,
      agreed_orders: 1,
      payment_gbp: { dso: '9.82', aggregator: '9.82', difference: '0.00' },
      only_dso: [],
      only_aggregator: [],
      difference_count: 0,
      differences: [],
      corrected_since: [],
    });
  });

  it('names the cells that differ when a meter value was corrected after it was signed', async () => {
    await bpp.deleteFrom('half_hour').execute();
    await energy(METER_A, '17:00', 7);
    const { differences, ...rest } = await run();
    expect(rest).to.deep.include({ agreed: false, orders: 1, agreed_orders: 0 });
    expect(rest.corrected_since).to.deep.equal([
      { obp_id: 'obp-1', import_msid: METER_A, date: '2026-01-15', period: 35 },
    ]);
    // 26 of 30 kWh instead of 28: (0.866667 − 0.5) / 0.5 = 0.733333.
    const cells = differences.filter(({ import_msid }) => import_msid === METER_A);
    expect(cells).to.deep.include({
      obp_id: 'obp-1',
      import_msid: METER_A,
      settlement_date: '2026-01-15',
      settlement_period: 35,
      column: 'performance_factor',
      dso: '0.866667',
      aggregator: '0.733333',
    });
    // A 0.014 × 250 × 0.733333 = 2.57, B 0.012 × 250 × 0.733333 = 2.20; and 3.75 in the other period.
    expect(rest.payment_gbp).to.deep.equal({ dso: '9.82', aggregator: '8.52', difference: '1.30' });
    expect(rest.difference_count).to.equal(differences.length);
  });

  it('names the factor when the parties go by other terms', async () => {
    const { curve } = settlementConfig(DSO, {
      curve: {
        id: 'flat',
        points: [
          [0, 1],
          [1, 1],
        ],
      },
    });
    const { differences } = await run({ ...config, curve });
    expect(new Set(differences.map(({ column }) => column))).to.deep.equal(
      new Set(['performance_factor', 'utilisation_payment_gbp']),
    );
  });

  it('names orders that one side alone has', async () => {
    await bpp.deleteFrom('flex_order').execute();
    await seedAggregator('obp-9', 'order-9');
    const result = await run();
    expect(result).to.deep.include({ agreed: false, orders: 0, only_dso: ['obp-1'], only_aggregator: ['obp-9'] });
    expect(result.payment_gbp.difference).to.equal('0.00');
  });

  it('misses nothing of an order that no device answered', async () => {
    await seedAggregator('obp-8', 'order-8', { rows: [], history: [] });
    expect(await run()).to.deep.include({ agreed: true, orders: 1, only_aggregator: [] });
  });

  it('names a meter that one side alone has', () => {
    const both = reconciliation();
    const row = { obp_id: 'o', import_msid: METER_A, settlement_date: '2026-01-15', settlement_period: 35 };
    const paid = { ...row, utilisation_payment_gbp: '1.00' } as never;
    both.add('o', [paid, { ...(paid as object), import_msid: METER_B } as never], [paid]);
    const { differences, payment_gbp } = both.result();
    expect(differences).to.deep.equal([
      { ...row, import_msid: METER_B, column: 'row', dso: 'there', aggregator: null },
    ]);
    expect(payment_gbp.difference).to.equal('1.00');
  });
});
