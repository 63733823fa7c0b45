import { expect } from 'chai';
import { bapTables } from '../deps.ts';
import { sha256 } from '../digest.ts';
import { type Opened, opened, seedOrder } from '../fixtures/opened.ts';
import { meterDocument } from '../fixtures/worked-example.ts';
import { settleOrder } from '../settlement/settle.ts';
import { statementOf } from './statement.ts';
import { statementCsv, statementText } from './statement-text.ts';
import { usageCsv, usageReport } from './usage-report.ts';

describe('accounts of a month', () => {
  let dso: Opened;
  before(async () => {
    dso = await opened();
    const bytes = Buffer.from(JSON.stringify(meterDocument()));
    dso.documents.set('/meter/obp-1', bytes);
    await seedOrder(dso.db, { sha256: sha256(bytes) });
    await seedOrder(dso.db, { obpId: 'obp-2' });
    await seedOrder(dso.db, { obpId: 'obp-3', eventId: 'event-2', state: 'DECLINED' });
    await settleOrder(dso, 'obp-1');
    // Twice settled is paid once.
    await settleOrder(dso, 'obp-1', 'SF');
  });
  after(() => dso.close());

  const statement = (aggregator: string, month: string) => statementOf(bapTables(dso), 'dso-1', aggregator, month);

  it('of an aggregator: its orders with totals to the penny, and what is not settled', async () => {
    const { body } = await statement('bpp.example.org', '2026-01');
    expect(body.orders).to.deep.equal([
      {
        obp_id: 'obp-1',
        beckn_order_id: 'order-1',
        feeder_id: 'feeder-1',
        start_at: '2026-01-15T17:00:00Z',
        stop_at: '2026-01-15T17:45:00Z',
        run_type: 'SF',
        revision: 2,
        meters: 2,
        periods: 2,
        missing_values: 0,
        instructed_mwh: '0.045000',
        delivered_mwh: '0.046000',
        payable_mwh: '0.043000',
        performance: '0.9556',
        price_gbp_per_mwh: '250.00',
        payment_gbp: '9.82',
      },
    ]);
    expect(body.totals).to.deep.equal({
      orders: 1,
      instructed_mwh: '0.045000',
      delivered_mwh: '0.046000',
      payable_mwh: '0.043000',
      performance: '0.9556',
      payment_gbp: '9.82',
    });
    expect(body.not_settled).to.deep.equal(['obp-2']);
  });

  it('of another month or aggregator is empty', async () => {
    for (const [aggregator, month] of [
      ['bpp.example.org', '2026-02'],
      ['other.example.org', '2026-01'],
    ] as const) {
      const { body } = await statement(aggregator, month);
      expect(body.orders).to.deep.equal([]);
      expect(body.totals).to.include({ payment_gbp: '0.00', performance: '0.0000' });
    }
  });

  it('come as CSV and as text with the same figures, and under a hash', async () => {
    const made = await statement('bpp.example.org', '2026-01');
    const [header, line] = statementCsv(made).split('\r\n');
    expect(header?.split(',')).to.have.length(16);
    expect(line).to.match(/^obp-1,.*,0\.043000,0\.9556,250\.00,9\.82$/);
    const text = statementText(made);
    expect(text).to.match(/total +0\.045000 +0\.046000 +0\.043000 +0\.9556 +9\.82\n/);
    expect(text).to.contain('Not settled yet, and not in the total: obp-2').and.contain(made.sha256);
    expect((await statement('bpp.example.org', '2026-01')).sha256).to.equal(made.sha256);
    expect((await statement('bpp.example.org', '2026-02')).sha256).to.not.equal(made.sha256);
  });

  it('of the use of the platform: each activation, and each feeder that is watched', async () => {
    const report = await usageReport(bapTables(dso), '2026-11', ['feeder-1', 'feeder-9']);
    expect(report.feeders).to.deep.equal([
      { feeder_id: 'feeder-1', events: 2, activations: 3, commands: 60, top_ups: 0 },
      { feeder_id: 'feeder-9', events: 0, activations: 0, commands: 0, top_ups: 0 },
    ]);
    expect(report.totals).to.deep.equal({ feeders: 2, events: 2, activations: 3, commands: 60 });
    expect(report.activations.map(({ obp_id }) => obp_id)).to.deep.equal(['obp-1', 'obp-2', 'obp-3']);
    expect(usageCsv(report).split('\r\n')[1]).to.equal(
      'obp-1,event-1,feeder-1,bpp.example.org,2026-11-20T10:00:00.000Z,false,20,60',
    );
    expect((await usageReport(bapTables(dso), '2026-12')).totals.activations).to.equal(0);
    expect((await usageReport(bapTables(dso), '2026-10')).totals.activations).to.equal(0);
  });
});
