import { type Person, tokenSha256 } from '@flexder/runtime/access/people.ts';
import { expect } from 'chai';
import express from 'express';
import request from 'supertest';
import { sha256 } from '../../audit-settlement/digest.ts';
import { DSO, type Opened, opened, seedOrder } from '../../audit-settlement/fixtures/opened.ts';
import { meterDocument } from '../../audit-settlement/fixtures/worked-example.ts';
import { settleOrder } from '../../audit-settlement/settlement/settle.ts';
import type { BapConfig } from '../../config.ts';
import { createOperatorApi, type FeederView, type OperatorApi } from '../router.ts';

const OPERATOR: Person = { name: 'olga', role: 'operator', tokenSha256: tokenSha256('token-of-olga') };

describe('settlement over HTTP', () => {
  let dso: Opened;
  let api: OperatorApi;
  let app: express.Express;
  before(async () => {
    dso = await opened();
    const more = { subscriberId: DSO, viewing: 'open', operators: [OPERATOR] };
    const config = { ...dso.config, ...more } as unknown as BapConfig;
    api = createOperatorApi({ ...dso, config, feeders: () => [{ feederId: 'feeder-9' } as FeederView] });
    app = express().use(api);
    const bytes = Buffer.from(JSON.stringify(meterDocument()));
    dso.documents.set('/meter/obp-1', bytes);
    await seedOrder(dso.db, { sha256: sha256(bytes) });
    await settleOrder(dso, 'obp-1');
  });
  after(async () => {
    await api.close();
    await dso.close();
  });
  const get = (path: string) => request(app).get(`/api/v1/settlement/${path}`);

  it('gives the flow of a day as a tree and as a file', async () => {
    const { body } = await get('p0282?date=2026-01-15');
    expect(body.control).to.deep.equal({ msid_pairs: 2, periods: 4, delivered_mwh: '0.0460' });
    const text = await get('p0282?date=2026-01-15&format=text');
    expect(text.headers['content-type']).to.equal('text/plain; charset=utf-8');
    expect(text.text).to.contain('MSI|1200000000001|\nMSP|35|0.0160\nMSP|36|0.0120\n');
    expect((await get('p0282?date=2026-01-16')).body.control.periods).to.equal(0);
  });

  it('gives a statement and the use of a month', async () => {
    const path = 'statement?aggregator=bpp.example.org&month=2026-01';
    expect((await get(path)).body.body.totals).to.include({ payment_gbp: '9.82', orders: 1 });
    const csv = await get(`${path}&format=csv`);
    expect(csv.headers['content-disposition']).to.contain('statement-bpp.example.org-2026-01.csv');
    expect(csv.text.split('\r\n')[0]).to.match(/^obp_id,/);
    expect((await get(`${path}&format=text`)).text).to.contain('total');
    const { feeders } = (await get('usage?month=2026-11')).body;
    expect(feeders.map((one: { feeder_id: string }) => one.feeder_id)).to.deep.equal(['feeder-1', 'feeder-9']);
    expect((await get('usage?month=2026-11&format=csv')).text).to.contain('obp-1,event-1,feeder-1');
  });

  const post = (body: object) => request(app).post('/api/v1/settlement/runs').send(body);
  const run = { run_type: 'SF', from: '2026-01-15', to: '2026-01-15', reason: 'meter data of the second day' };

  it('lets an operator start a later run, on record, and nobody else', async () => {
    expect((await post(run)).status).to.equal(401);
    const signed = (body: object) => post(body).set('authorization', 'Bearer token-of-olga');
    const early = await signed({ ...run, run_type: 'II' });
    expect([early.status, early.body.error.parameter]).to.deep.equal([400, 'run_type']);
    expect((await signed({ ...run, reason: '' })).body.error.parameter).to.equal('reason');
    expect((await get('revisions?obp_id=obp-1')).body.revisions).to.have.length(1);
    const { body } = await signed(run);
    expect(body).to.deep.equal({ run_type: 'SF', computed: 1, unchanged: 0, failed: [] });
    const { revisions } = (await get('revisions?obp_id=obp-1')).body;
    expect(revisions.map((one: { run_type: string }) => one.run_type)).to.deep.equal(['II', 'SF']);
    expect(revisions[0]).to.include({ payment_gbp: '9.82', rows: 4 });
    const records = await dso.participant.audit.byTransaction('transaction-obp-1');
    expect(records.filter(({ event_type }) => event_type === 'settlement.computed')).to.have.length(4);
    await dso.participant.audit.sealNow();
    const written = (await dso.participant.audit.read({})).find(({ event_type }) => event_type === 'settlement.run');
    expect(written).to.include({ actor_id: 'olga', actor_role: 'OPERATOR', decision: run.reason });
  });

  for (const [path, parameter] of [
    ['p0282', 'date'],
    ['p0282?date=2026-01-15&run_type=X1', 'run_type'],
    ['statement?month=2026-01', 'aggregator'],
    ['statement?aggregator=a&month=2026-13', 'month'],
    ['usage', 'month'],
    ['revisions', 'obp_id'],
  ] as const) {
    it(`answers 400 for ${path}`, async () => {
      const { status, body } = await get(path);
      expect([status, body.error.parameter]).to.deep.equal([400, parameter]);
    });
  }
});
