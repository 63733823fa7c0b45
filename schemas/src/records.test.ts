import { expect } from 'chai';
import type { AuditRecordRow, MeterDocument, SettlementRow } from './types.ts';
import { type RecordKind, validateRecord } from './validators.ts';

const HASH = 'ab'.repeat(32);
const AT = '2026-11-24T17:30:00Z';

const ROW: SettlementRow = {
  report_id: 'OBP-1.II',
  report_version: 1,
  run_type: 'II',
  settlement_date: '2026-11-24',
  settlement_period: 36,
  sp_start_utc: AT,
  sp_end_utc: '2026-11-24T18:00:00Z',
  gsp_group_id: '_J',
  bm_unit_id: 'V__BBRIGHT1',
  import_msid: '1900012345678',
  export_msid: null,
  import_amsid: null,
  export_amsid: null,
  lead_party_id: 'BRIGHT',
  lead_party_role: 'AGGREGATOR',
  supplier_party_id: null,
  dso_id: 'dso.flexder.example',
  licence_area: 'SPN',
  feeder_id: 'WEY-11-F07',
  obp_id: 'OBP-1',
  obp_id_source: 'network-assigned',
  obp_sequence: 1,
  beckn_transaction_id: '3d0c9a52-7a0e-4c57-9a5b-5e0a5c1f7b21',
  beckn_order_id: 'BG-1',
  product: 'OPERATIONAL_UTILISATION',
  intervention_class: 'INCENTIVE',
  issued_at: AT,
  start_at: AT,
  stop_at: '2026-11-24T18:30:00Z',
  instructed_mw: '0.003500',
  instructed_mwh: '0.001750',
  baseline_method: 'BL01-like',
  baseline_unadjusted_mwh: '-0.000250',
  in_day_adjustment_mwh: '0.000000',
  baseline_mwh: '-0.000250',
  metered_mwh: '0.001500',
  delivered_mwh: '0.001750',
  delivered_capped_mwh: '0.001750',
  wman_active: false,
  wman_submitted_at: null,
  gate_closure_utc: '2026-11-24T16:30:00Z',
  deviation_mwh: '0.000000',
  event_day: true,
  scrp_gbp_per_mwh: '98.53',
  scrp_valid_from: '2026-08-28',
  compensation_mode: 'indicative',
  compensation_volume_mwh: '0.001750',
  compensation_gbp: '0.17',
  utilisation_price_gbp_per_mwh: '460.00',
  payable_mwh: '0.001750',
  performance_factor: '1.000000',
  utilisation_payment_gbp: '0.81',
  data_quality: 'GOOD',
  meter_source: 'BPP_SIGNED_REFERENCE',
  audit_seq: 12,
  audit_hash: HASH,
};

const RECORD: AuditRecordRow = {
  seq: 1,
  ts_utc: '2026-11-24T17:29:52.104Z',
  event_type: 'plan.chosen',
  actor_id: 'dso.flexder.example',
  actor_role: 'BAP',
  rule_inputs: { loadKw: 4210.5, forced: false, note: null },
  data_sources: [{ id: 'rtu', url_or_fixture: 'mqtt', retrieved_at: AT, observed_at: AT, sha256: HASH, live: true }],
  latency_ms: 12.5,
  prev_hash: HASH,
  hash: HASH,
};

const METER_ROW = {
  import_msid: '1900012345678',
  export_msid: null,
  settlement_date: '2026-11-24',
  settlement_period: 36,
  metered_kwh: -1.5,
  quality: 'GOOD',
} as const;
const DOCUMENT: MeterDocument = { version: 1, order_id: 'BG-1', obp_id: 'OBP-1', rows: [METER_ROW], history: [] };

function refused(kind: RecordKind, body: object, path: string): void {
  expect(validateRecord(kind, body), path).to.have.nested.property('errors[0].path', path);
}

describe('records', () => {
  it('accept a settlement row with every member and no other', () => {
    expect(validateRecord('settlement-row', ROW)).to.deep.equal({ valid: true });
    for (const member of Object.keys(ROW)) refused('settlement-row', { ...ROW, [member]: undefined }, `/${member}`);
    refused('settlement-row', { ...ROW, zzz: 1 }, '/zzz');
  });

  it('want decimals as strings of fixed places', () => {
    for (const value of [0.00175, '0.00175', '0.0017500', '1e-3', '', 'NaN']) {
      refused('settlement-row', { ...ROW, delivered_mwh: value }, '/delivered_mwh');
    }
    for (const value of [1, '1.0', '1', '1,00'])
      refused('settlement-row', { ...ROW, compensation_gbp: value }, '/compensation_gbp');
    refused('settlement-row', { ...ROW, performance_factor: '1.000001' }, '/performance_factor');
    refused('settlement-row', { ...ROW, settlement_period: 51 }, '/settlement_period');
    refused('settlement-row', { ...ROW, settlement_date: '2026-02-30' }, '/settlement_date');
  });

  it('accept an audit record with only what applies', () => {
    expect(validateRecord('audit-record', RECORD)).to.deep.equal({ valid: true });
    refused('audit-record', { ...RECORD, hash: 'x' }, '/hash');
    refused('audit-record', { ...RECORD, actor_role: 'ROBOT' }, '/actor_role');
    refused('audit-record', { ...RECORD, name_of_customer: 'x' }, '/name_of_customer');
    refused('audit-record', { ...RECORD, rule_inputs: { nested: {} } }, '/rule_inputs/nested');
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, 1]));
    refused('audit-record', { ...RECORD, rule_inputs: many }, '/rule_inputs');
  });

  it('accept a meter document of half hours', () => {
    expect(validateRecord('meter-document', DOCUMENT)).to.deep.equal({ valid: true });
    refused('meter-document', { ...DOCUMENT, rows: [{ ...METER_ROW, import_msid: '123' }] }, '/rows/0/import_msid');
    refused(
      'meter-document',
      { ...DOCUMENT, rows: [{ ...METER_ROW, metered_kwh: Number.NaN }] },
      '/rows/0/metered_kwh',
    );
    refused('meter-document', { ...DOCUMENT, version: 2 }, '/version');
  });
});
