import type { MeterDocument } from '@flexder/protocol/flexibility/model.ts';
import { BL01_LIKE, baselineFrom } from '@flexder/protocol/settlement/baseline.ts';
import { coveredPeriods } from '@flexder/protocol/settlement/periods.ts';
import { validateRecord } from '@flexder/schemas/validators.ts';
import { expect } from 'chai';
import { METER_A, METER_B, meterDocument, meterRow, ORDER } from '../fixtures/worked-example.ts';
import { type SettlementConfig, settlementConfig } from './config.ts';
import type { SettledOrder } from './order.ts';
import { settlementRows } from './rows.ts';

const config = settlementConfig('dso.example.org', { scrp: [{ gbpPerMwh: '98.53', validFrom: '2025-08-28' }] });

function settled(document: MeterDocument, order: SettledOrder = ORDER, settings = config) {
  const rows = [...document.history, ...document.rows];
  const baselineOf = baselineFrom(rows, coveredPeriods(order.window), () => new Set(), BL01_LIKE);
  const restsOn = { seq: 7, hash: 'a'.repeat(64) };
  return settlementRows({
    config: settings,
    order,
    document,
    baselineOf,
    baselineMethod: BL01_LIKE.method,
    revision: 1,
    restsOn,
  });
}

describe('settlement rows', () => {
  it('instruct what was agreed at each time, at the price of that time', () => {
    const from = (minutes: number) => ORDER.window.startMs + minutes * 60_000;
    const whole = { startMs: from(0), endMs: from(60) };
    const revisions = [
      { revision: 0, fromMs: from(0), committedKw: 60, window: whole, priceGbpPerKwh: '0.25' },
      { revision: 1, fromMs: from(20), committedKw: 24, window: ORDER.window, priceGbpPerKwh: '0.30' },
    ];
    const rows = settled(meterDocument(), { ...ORDER, committedKw: 24, priceGbpPerKwh: '0.30', revisions });
    const periods = [35, 36].map((period) => rows.filter((row) => row.settlement_period === period));
    const mwh = periods.map((of) => of.reduce((total, row) => total + Number(row.instructed_mwh), 0));
    // 20 minutes of 60 kW and 10 of 24: 24 kWh; then a quarter of an hour of 24 kW: 6 kWh.
    expect(mwh.map((value) => value.toFixed(6))).to.deep.equal(['0.024000', '0.006000']);
    // 20 kWh at 25 p and 4 kWh at 30 p.
    expect(periods[0]![0]).to.include({ utilisation_price_gbp_per_mwh: '258.33', stop_at: '2026-01-15T17:45:00Z' });
    expect(periods[1]![0]).to.include({ utilisation_price_gbp_per_mwh: '300.00' });
    const same = settled(meterDocument(), { ...ORDER, revisions: [{ ...revisions[0]!, window: ORDER.window }] });
    expect(same).to.deep.equal(settled(meterDocument()));
  });

  it('have the figures of the worked example', () => {
    const [first, second, third, fourth] = settled(meterDocument());
    // 17:00 to 17:30, all of it instructed: 30 kWh. Delivered 16 + 12 = 28 kWh, so 2 kWh are missing, 1 at each meter.
    expect(first).to.include({
      import_msid: METER_A,
      settlement_period: 35,
      sp_start_utc: '2026-01-15T17:00:00Z',
      gate_closure_utc: '2026-01-15T16:00:00Z',
      issued_at: '2026-01-15T16:59:58.250Z',
      obp_sequence: 1,
      baseline_unadjusted_mwh: '-0.020000',
      in_day_adjustment_mwh: '-0.001000',
      baseline_mwh: '-0.021000',
      metered_mwh: '-0.005000',
      delivered_mwh: '0.016000',
      instructed_mwh: '0.017000',
      instructed_mw: '0.034000',
      delivered_capped_mwh: '0.016000',
      // 28 of 30 is 0.9333; (0.9333 − 0.5) / 0.5.
      performance_factor: '0.866667',
      utilisation_price_gbp_per_mwh: '250.00',
      utilisation_payment_gbp: '3.47',
      compensation_volume_mwh: '0.016000',
      compensation_gbp: '1.58',
    });
    expect(second).to.include({ import_msid: METER_B, delivered_mwh: '0.012000', instructed_mwh: '0.013000' });
    expect(second).to.include({ export_msid: '1200000000099', utilisation_payment_gbp: '2.60' });
    // 17:30 to 17:45: a quarter hour is instructed, 15 kWh. Delivered 12 + 6 = 18 kWh, capped at 15.
    expect(third).to.include({ settlement_period: 36, obp_sequence: 2, delivered_mwh: '0.012000' });
    expect(third).to.include({
      instructed_mwh: '0.010000',
      instructed_mw: '0.040000',
      delivered_capped_mwh: '0.010000',
    });
    expect(third).to.include({ performance_factor: '1.000000', utilisation_payment_gbp: '2.50' });
    expect(fourth).to.include({
      delivered_mwh: '0.006000',
      delivered_capped_mwh: '0.005000',
      utilisation_payment_gbp: '1.25',
    });
  });

  it('apply the price that was in force on their date, and none when there was none', () => {
    const scrp = [
      { gbpPerMwh: '98.53', validFrom: '2026-08-28' },
      { gbpPerMwh: '87.21', validFrom: '2025-02-17', validUntil: '2026-01-15' },
    ];
    const first = (change: Partial<SettlementConfig>) =>
      settled(meterDocument(), ORDER, { ...config, scrp, ...change })[0];
    // 0.016 MWh × £87.21.
    const applied = { scrp_gbp_per_mwh: '87.21', scrp_valid_from: '2025-02-17', compensation_gbp: '1.40' };
    expect(first({})).to.include({ ...applied, compensation_mode: 'indicative' });
    const none = { scrp_gbp_per_mwh: '0.00', scrp_valid_from: null, compensation_gbp: '0.00' };
    for (const change of [{ compensationMode: 'none' as const }, { scrp: scrp.slice(0, 1) }, { scrp: [] }])
      expect(first(change)).to.include({ ...none, compensation_mode: 'none', compensation_volume_mwh: '0.000000' });
    const ended = [{ gbpPerMwh: '87.21', validFrom: '2025-02-17', validUntil: '2026-01-14' }];
    expect(first({ scrp: ended })).to.include(none);
    // What is paid for the flexibility depends on none of it.
    expect(first({ scrp: [] })).to.include({ utilisation_payment_gbp: '3.47' });
    for (const row of settled(meterDocument(), ORDER, { ...config, scrp: [] }))
      expect(validateRecord('settlement-row', row)).to.deep.equal({ valid: true });
  });

  it('are as the schema says', () => {
    for (const row of settled(meterDocument()))
      expect(validateRecord('settlement-row', row)).to.deep.equal({ valid: true });
  });

  it('pay nothing for what one meter took more, on another', () => {
    const rows = settled(
      meterDocument([meterRow(METER_A, '2026-01-15', 35, -7), meterRow(METER_B, '2026-01-15', 35, 18)]),
      { ...ORDER, window: { ...ORDER.window, endMs: Date.parse('2026-01-15T17:30:00Z') } },
    );
    // A delivered 28 kWh, B took 4 more: 24 kWh net of 30; the missing 6 are B's.
    expect(rows[0]).to.include({
      delivered_mwh: '0.028000',
      delivered_capped_mwh: '0.024000',
      instructed_mwh: '0.024000',
    });
    expect(rows[1]).to.include({
      delivered_mwh: '-0.004000',
      delivered_capped_mwh: '0.000000',
      instructed_mwh: '0.006000',
    });
    expect(rows[1]).to.include({ performance_factor: '0.600000', utilisation_payment_gbp: '0.00' });
  });

  it('credit nothing that was not read, and say so', () => {
    const document = meterDocument();
    const unread = document.rows.map((row) =>
      row.import_msid === METER_A ? { ...row, quality: 'MISSING' as const, metered_kwh: 0 } : row,
    );
    const [first] = settled({ ...document, rows: unread });
    expect(first).to.include({
      data_quality: 'MISSING',
      metered_mwh: '-0.021000',
      delivered_mwh: '0.000000',
      payable_mwh: '0.000000',
    });
    const [twin] = settled(document);
    expect(twin).to.include({ data_quality: 'GOOD', payable_mwh: '0.016000' });
  });

  it('credit nothing where no baseline can be had', () => {
    const [first] = settled({ ...meterDocument(), history: [] });
    expect(first).to.include({
      baseline_method: 'NONE',
      data_quality: 'MISSING',
      delivered_mwh: '0.000000',
      utilisation_payment_gbp: '0.00',
    });
  });

  it('have a row for every meter in every period, also where the document has none', () => {
    const document = meterDocument();
    const rows = settled({ ...document, rows: document.rows.slice(0, 3) });
    expect(rows).to.have.length(4);
    expect(rows[3]).to.include({ import_msid: METER_B, settlement_period: 36, data_quality: 'MISSING' });
  });

  it('refuse a document that has a period twice', () => {
    const document = meterDocument();
    const twice = { ...document, rows: [...document.rows, ...document.rows.slice(0, 1)] };
    expect(() => settled(twice)).to.throw(`the meter document has ${METER_A}/2026-01-15/35 twice`);
    expect(settled(document)).to.have.length(4);
  });

  it('leave no figure empty', () => {
    for (const row of settled(meterDocument())) {
      for (const [column, value] of Object.entries(row)) {
        if (/_mwh?$|_gbp|factor|_seq/.test(column)) expect(String(value), column).to.match(/^-?\d+(\.\d+)?$/);
      }
    }
  });
});

describe('covered periods', () => {
  const covered = (start: string, end: string) =>
    coveredPeriods({ startMs: Date.parse(start), endMs: Date.parse(end) }).map(
      ({ date, period, coveredHours }) => `${date}/${period} ${coveredHours.toFixed(2)}`,
    );

  it('count 46 and 50 half hours on the days the clocks change', () => {
    expect(covered('2026-03-29T00:30:00Z', '2026-03-29T01:30:00Z')).to.deep.equal([
      '2026-03-29/2 0.50',
      '2026-03-29/3 0.50',
    ]);
    expect(covered('2026-03-29T22:30:00Z', '2026-03-29T23:30:00Z')).to.deep.equal([
      '2026-03-29/46 0.50',
      '2026-03-30/1 0.50',
    ]);
    expect(covered('2026-10-25T23:00:00Z', '2026-10-26T00:15:00Z')).to.deep.equal([
      '2026-10-25/49 0.50',
      '2026-10-25/50 0.50',
      '2026-10-26/1 0.25',
    ]);
  });

  it('cover what the window covers and no more', () => {
    expect(covered('2026-01-15T17:10:00Z', '2026-01-15T17:35:00Z')).to.deep.equal([
      '2026-01-15/35 0.33',
      '2026-01-15/36 0.08',
    ]);
  });
});
