import { expect } from 'chai';
import { sql } from 'kysely';
import { auditTrail } from '../audit/export.ts';
import { verifyAudit } from '../audit/verify.ts';
import { bapTables } from '../deps.ts';
import { sha256 } from '../digest.ts';
import { type Opened, opened, seedOrder } from '../fixtures/opened.ts';
import { meterDocument } from '../fixtures/worked-example.ts';
import { loadSettlementRows, settledTotals, settlementReport, totalsOf } from '../reports/report.ts';
import { type SettlementErrorCode, staysBelow } from './meter-document.ts';
import { revisionsOf, settleRun } from './revisions.ts';
import { settleOrder } from './settle.ts';

const bytesOf = (document: unknown) => Buffer.from(JSON.stringify(document));

describe('settling an order', () => {
  let dso: Opened;
  before(async () => {
    dso = await opened();
  });
  after(() => dso.close());
  beforeEach(() => dso.reset());

  async function seedAndServe(document: unknown = meterDocument(), more: { sha256?: string; path?: string } = {}) {
    const bytes = bytesOf(document);
    dso.documents.set('/meter/obp-1', bytes);
    await seedOrder(dso.db, { sha256: sha256(bytes), ...more });
  }

  const audits = async (type: string) =>
    (await dso.participant.audit.byObp('obp-1')).filter((entry) => entry.event_type === type);

  it('writes the rows of the worked example, resting on the record of the meter document', async () => {
    await seedAndServe();
    expect(await settleOrder(dso, 'obp-1')).to.deep.equal({ outcome: 'computed', revision: 1, runType: 'II', rows: 4 });
    const rows = await loadSettlementRows(bapTables(dso), {});
    expect(rows.map((row) => row.utilisation_payment_gbp)).to.deep.equal(['3.47', '2.60', '2.50', '1.25']);
    const [receipt] = await audits('meter.received');
    expect(receipt).to.include({ seq: rows[0]?.audit_seq, hash: rows[0]?.audit_hash });
    expect(await audits('settlement.computed')).to.have.length(2);
  });

  it('changes nothing when it runs again, and asks for the document once', async () => {
    await seedAndServe();
    await settleOrder(dso, 'obp-1');
    expect(await settleOrder(dso, 'obp-1')).to.deep.equal({
      outcome: 'unchanged',
      revision: 1,
      runType: 'II',
      rows: 4,
    });
    expect(dso.fetched).to.deep.equal(['/meter/obp-1']);
    expect(await audits('settlement.computed')).to.have.length(2);
  });

  it('keeps the first figures and adds a revision when the meter data is corrected', async () => {
    await seedAndServe();
    await settleOrder(dso, 'obp-1');
    const corrected = bytesOf({
      ...meterDocument(),
      rows: meterDocument().rows.map((row) => ({ ...row, metered_kwh: row.metered_kwh + 1 })),
    });
    dso.documents.set('/meter/obp-1', corrected);
    const reference = { path: '/meter/obp-1', sha256: sha256(corrected), rows: 4 };
    await dso.db
      .updateTable('flex_order')
      .set({ meter_reference: JSON.stringify(reference) })
      .execute();
    expect(await settleOrder(dso, 'obp-1')).to.deep.equal({ outcome: 'computed', revision: 2, runType: 'II', rows: 4 });
    const stored = await dso.db.selectFrom('settlement_row').select(['revision']).execute();
    expect(stored.map((row) => row.revision).sort()).to.deep.equal([1, 1, 1, 1, 2, 2, 2, 2]);
    const {
      rows: settledRows,
      payable_mwh,
      utilisation_payment_gbp,
    } = totalsOf(await loadSettlementRows(bapTables(dso), {}));
    expect(await settledTotals(bapTables(dso))).to.deep.equal({
      rows: settledRows,
      payable_mwh,
      utilisation_payment_gbp,
    });
    expect(settledRows).to.equal(4);
    const rows = await loadSettlementRows(bapTables(dso), {});
    expect(rows.map((row) => row.report_version)).to.deep.equal([2, 2, 2, 2]);
  });

  it('settles an order that was changed by what was agreed at each time', async () => {
    await seedAndServe();
    const at = (time: string) => `2026-01-15T${time}:00Z`;
    const agreed = { window_start_at: at('17:00'), window_end_at: at('17:45'), price_gbp_per_kwh: '0.25' };
    const row = (revision: number, from: string, committed_kw: number) => ({
      ...{ obp_id: 'obp-1', revision, from_at: at(from), committed_kw, written_wall_at: at('17:15'), ...agreed },
    });
    await dso.db
      .insertInto('order_revision')
      .values([row(0, '17:00', 60), row(1, '17:15', 20)])
      .execute();
    await dso.db.updateTable('flex_order').set({ revision: 1, committed_kw: 20 }).execute();
    await settleOrder(dso, 'obp-1');
    const rows = await loadSettlementRows(bapTables(dso), {});
    const instructed = (period: number) =>
      rows.filter((one) => one.settlement_period === period).reduce((sum, one) => sum + Number(one.instructed_mwh), 0);
    // A quarter of an hour of 60 kW and one of 20; then a quarter of 20.
    expect([instructed(35).toFixed(6), instructed(36).toFixed(6)]).to.deep.equal(['0.020000', '0.005000']);
  });

  it('adds a revision for each later run, keeps the earlier ones, and never goes back', async () => {
    await seedAndServe();
    await settleOrder(dso, 'obp-1');
    const run = await settleRun(dso, 'SF', { from: '2026-01-15', to: '2026-01-15' });
    expect(run).to.deep.equal({ run_type: 'SF', computed: 1, unchanged: 0, failed: [] });
    expect(await settleRun(dso, 'SF', { from: '2026-01-15', to: '2026-01-15' })).to.include({ unchanged: 1 });
    // The job of the order may come again: it stays in the run that it is in.
    expect(await settleOrder(dso, 'obp-1')).to.include({ outcome: 'unchanged', runType: 'SF' });
    const back = await settleOrder(dso, 'obp-1', 'II').catch((error) => error);
    expect(back).to.include({ name: 'SettlementError', code: 'RUN_ORDER' });
    const runs = (await revisionsOf(bapTables(dso), 'obp-1')).map(({ revision, run_type }) => [revision, run_type]);
    expect(runs).to.deep.equal([
      [1, 'II'],
      [2, 'SF'],
    ]);
    const initial = await loadSettlementRows(bapTables(dso), { runType: 'II' });
    expect(initial.map((row) => [row.report_id, row.report_version])).to.deep.equal(
      Array.from({ length: 4 }, () => ['obp-1.II', 1]),
    );
    expect((await loadSettlementRows(bapTables(dso), {}))[0]).to.include({ report_id: 'obp-1.SF', run_type: 'SF' });
  });

  it('names the orders that a run could not settle, and goes on', async () => {
    await seedAndServe();
    await settleOrder(dso, 'obp-1');
    await dso.db.updateTable('flex_order').set({ state: 'DECLINED' }).execute();
    const { failed } = await settleRun(dso, 'R1', { from: '2026-01-01', to: '2026-01-31' });
    expect(failed).to.have.length(1);
    expect(failed[0]?.why).to.contain('only a completed order is settled');
  });

  const refusals: { name: string; code: SettlementErrorCode; seed: () => Promise<void> }[] = [
    {
      name: 'other bytes than were signed',
      code: 'METER_DOCUMENT_HASH',
      seed: () => seedAndServe(meterDocument(), { sha256: 'f'.repeat(64) }),
    },
    {
      name: 'a document that is not there',
      code: 'METER_DOCUMENT_UNAVAILABLE',
      seed: async () => {
        await seedAndServe();
        dso.documents.clear();
      },
    },
    {
      name: 'a document of another order',
      code: 'METER_DOCUMENT_ORDER',
      seed: () => seedAndServe({ ...meterDocument(), order_id: 'order-2' }),
    },
    {
      name: 'a document that breaks its schema',
      code: 'METER_DOCUMENT_INVALID',
      seed: () => seedAndServe({ ...meterDocument(), version: 2 }),
    },
    {
      name: 'a path that leads away',
      code: 'METER_PATH',
      seed: () => seedAndServe(meterDocument(), { path: '/../secret' }),
    },
  ];
  for (const { name, code, seed } of refusals) {
    it(`alarms, records and throws for ${name}`, async () => {
      await seed();
      const error = await settleOrder(dso, 'obp-1').then(
        () => undefined,
        (failure: unknown) => failure,
      );
      expect(error).to.include({ name: 'SettlementError', code });
      expect((await audits('settlement.failed'))[0]).to.include({ code });
      expect(await loadSettlementRows(bapTables(dso), {})).to.deep.equal([]);
      const [event] = await dso.db.selectFrom('outbox').select('payload').orderBy('seq', 'desc').limit(1).execute();
      expect(event?.payload).to.have.nested.property('value.kind', 'settlement-failed');
    });
  }

  it('admits document paths that stay below an address and no others', () => {
    for (const path of ['/meter/obp-1', '/a/b.c_d~e']) expect(staysBelow(path), path).to.equal(true);
    const away = [
      'meter',
      '//evil.example',
      '/a/../../b',
      '/a//b',
      '/%2e%2e/b',
      '/a?b',
      '/a\\b',
      'http://evil',
      '/',
      '/a#b',
      '/./a',
    ];
    for (const path of away) expect(staysBelow(path), path).to.equal(false);
  });

  it('reports totals that the rows add up to, under a hash of the body', async () => {
    await seedAndServe();
    await settleOrder(dso, 'obp-1');
    const report = settlementReport(await loadSettlementRows(bapTables(dso), { feederId: 'feeder-1' }), {});
    expect(report.body.control).to.include({
      rows: 4,
      orders: 1,
      msid_pairs: 2,
      payable_mwh: '0.043000',
      utilisation_payment_gbp: '9.82',
    });
    expect(report.body.totals.by_bpp.map((total) => total.lead_party_id)).to.deep.equal(['bpp.example.org']);
    expect(report.body.totals.by_feeder_period.map((total) => total.instructed_mwh)).to.deep.equal([
      '0.030000',
      '0.015000',
    ]);
    expect(report.sha256).to.equal(settlementReport(report.body.rows, {}).sha256);
    expect(report.sha256).to.not.equal(settlementReport(report.body.rows.slice(1), {}).sha256);
    expect(await loadSettlementRows(bapTables(dso), { feederId: 'feeder-2' })).to.deep.equal([]);
  });

  describe('the audit chain', () => {
    beforeEach(async () => {
      await seedAndServe();
      await settleOrder(dso, 'obp-1');
      await dso.participant.audit.sealNow();
    });

    const tamper = async (statement: ReturnType<typeof sql>) => {
      await sql`alter table audit_record disable trigger all`.execute(dso.db);
      await statement.execute(dso.db);
      await sql`alter table audit_record enable trigger all`.execute(dso.db);
      return verifyAudit(dso.db);
    };

    it('verifies as it was written', async () => {
      const verdict = await verifyAudit(dso.db);
      expect(verdict).to.include({ valid: true, records: 3, unsealed: 0 });
    });

    it('names the first record that was altered', async () => {
      const payment = sql`update audit_record set record = jsonb_set(record, '{decision}', '"payment £900"') where seq >= 2`;
      expect(await tamper(payment)).to.include({ valid: false, seq: 2, reason: 'hash' });
    });

    it('names the place of a record that was removed', async () => {
      expect(await tamper(sql`delete from audit_record where seq = 2`)).to.include({
        valid: false,
        seq: 2,
        reason: 'seq',
      });
    });

    it('names a record whose columns say other than it does', async () => {
      expect(await tamper(sql`update audit_record set hash = 'x' where seq = 3`)).to.include({
        valid: false,
        seq: 3,
        reason: 'columns',
      });
    });

    it('exports the trail of an order, its event included', async () => {
      await dso.participant.transact(async (work) => {
        await work.audit({ event_type: 'overload.detected', event_id: 'event-1', feeder_id: 'feeder-1' });
        await work.audit({ event_type: 'overload.detected', event_id: 'event-2', feeder_id: 'feeder-2' });
      });
      let text = '';
      for await (const lines of auditTrail(dso.db, 'obp-1')) text += lines;
      const types = text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).event_type);
      expect(types).to.deep.equal([
        'meter.received',
        'settlement.computed',
        'settlement.computed',
        'overload.detected',
      ]);
    });
  });
});
