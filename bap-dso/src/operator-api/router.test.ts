import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { checkBundle } from '@flexder/protocol/audit/bundle-check.ts';
import { expect } from 'chai';
import express from 'express';
import request from 'supertest';
import { sha256 } from '../audit-settlement/digest.ts';
import { DSO, NOW_MS, type Opened, opened, seedOrder } from '../audit-settlement/fixtures/opened.ts';
import { meterDocument } from '../audit-settlement/fixtures/worked-example.ts';
import { settleOrder } from '../audit-settlement/settlement/settle.ts';
import type { BapConfig } from '../config.ts';
import { importNetwork } from '../network-model/import.ts';
import { DATASETS } from '../open-data/datasets/all.ts';
import { HeldData } from '../open-data/held.ts';
import { readEvents } from '../testing/event-source.ts';
import { STREAM_CLIENTS } from './limits.ts';
import { createOperatorApi, type FeederView, type OperatorApi } from './router.ts';

const FEEDER: FeederView = {
  feederId: 'feeder-1',
  name: 'Weybridge <b>11 kV</b>',
  limitKw: 600,
  releaseKw: 570,
  powerKw: 480,
  at: NOW_MS - 1_000,
  quality: 'GOOD',
  forecast: [{ atMs: NOW_MS + 1_800_000, powerKw: 500, lowKw: 470, highKw: 530 }],
  state: 'NORMAL',
};

describe('operator API', () => {
  let dso: Opened;
  let api: OperatorApi;
  let app: express.Express;
  before(async () => {
    dso = await opened();
    const config = {
      ...dso.config,
      subscriberId: DSO,
      dsoName: 'Southern DSO',
      networkProfile: 'sandbox',
      viewing: 'open',
    } as unknown as BapConfig;
    api = createOperatorApi({ ...dso, config, feeders: () => [FEEDER] });
    app = express().use(api);
    const bytes = Buffer.from(JSON.stringify(meterDocument()));
    dso.documents.set('/meter/obp-1', bytes);
    await seedOrder(dso.db, { sha256: sha256(bytes) });
    await seedOrder(dso.db, { obpId: 'obp-2', dispatchMs: 420 });
    await seedOrder(dso.db, { obpId: 'obp-3', eventId: 'event-2', state: 'DECLINED' });
    const readAt = (ms: number) => new Date(NOW_MS - ms);
    const readings = [60_000, 30_000, 20_000_000].map((ms) => ({
      feeder_id: 'feeder-1',
      read_at: readAt(ms),
      power_kw: 480,
      quality: 'GOOD' as const,
    }));
    await dso.db.insertInto('feeder_reading').values(readings).execute();
    await settleOrder(dso, 'obp-1');
    await dso.participant.audit.sealNow();
  });
  after(async () => {
    await api.close();
    await dso.close();
  });

  const get = (path: string) => request(app).get(path);

  it('gives the whole state in a snapshot', async () => {
    const { body, status } = await get('/api/v1/snapshot');
    expect(status).to.equal(200);
    expect(body).to.include({ mode: 'SIMULATION' });
    expect(body.clocks.gridMs).to.equal(NOW_MS);
    expect(body.feeders).to.deep.equal([FEEDER]);
    expect(body.recentLoad['feeder-1'].length).to.be.within(1, 2);
    expect(body.orders.map((order: { obpId: string }) => order.obpId)).to.have.members(['obp-1', 'obp-2', 'obp-3']);
    expect(body.audit.map((record: { seq: number }) => record.seq)).to.deep.equal([1, 2, 3]);
  });

  it("sums up what happened from the DSO's own tables", async () => {
    const { body } = await get('/api/v1/summary');
    expect(body).to.include({
      orders: 2,
      ordersNotKept: 1,
      commands: 60,
      requestedKw: 120,
      committedKw: 120,
      measuredKw: 110,
    });
    // Expired stands with the rejected: 1 + 1 of each of the three orders.
    expect(body.acks).to.deep.equal({ accepted: 45, rejected: 6, optedOut: 3, silent: 6 });
    expect(body.commands).to.equal(45 + 6 + 3 + 6);
    // Both orders belong to one plan, which is dispatched when its slower one is.
    expect(body.detectionToDispatchMs).to.deep.equal({ count: 1, p50: 420, p95: 420, p99: 420, max: 420 });
    expect(body.audit).to.include({ records: 3, verified: true, firstBroken: null });
    expect(body.settlement).to.deep.equal({ rows: 4, totalMwh: '0.043000', paymentGbp: '9.82' });
    expect(body.overloads[0]).to.include({
      eventId: 'event-1',
      detectedBy: 'measured',
      limitKw: 600,
      peakDuringKw: 590,
      committedKw: 120,
    });
  });

  it('lists orders with what was promised, acknowledged and answered', async () => {
    const { body } = await get('/api/v1/orders?event_id=event-1&limit=1');
    expect(body.orders).to.have.length(1);
    expect(body.orders[0]).to.include({ obpId: 'obp-1', step: 'on_status', promisedKw: 60, acknowledgedKw: 52 });
    expect(body.orders[0].devices).to.deep.equal({
      commands: 20,
      accepted: 15,
      rejected: 2,
      optedOut: 1,
      silent: 2,
      closed: true,
    });
    const next = await get('/api/v1/orders?event_id=event-1&limit=1&offset=1');
    expect(next.body.orders[0].obpId).to.equal('obp-2');
  });

  it('lists overloads, open ones alone when asked', async () => {
    expect((await get('/api/v1/overloads')).body.overloads).to.have.length(2);
    expect((await get('/api/v1/overloads?open=true')).body.overloads).to.deep.equal([]);
  });

  it('shows open data and the network model, or that there are none', async () => {
    expect((await get('/api/v1/open-data')).body).to.deep.equal({ enabled: false, datasets: [] });
    expect((await get('/api/v1/network')).body).to.deep.equal({ network: null });
    const held = new HeldData(DATASETS, () => NOW_MS);
    held.failed('ukpn-live-faults', { kind: 'offline', text: 'no way there', atMs: NOW_MS });
    const network = importNetwork(join(import.meta.dirname, '../../../schemas/samples/network'));
    const config = { ...dso.config, subscriberId: DSO, viewing: 'open', network } as unknown as BapConfig;
    const openData = { statuses: () => held.statuses() };
    const other = createOperatorApi({ ...dso, config, openData, feeders: () => [] });
    const ask = (path: string) => request(express().use(other)).get(path);
    const { enabled, datasets } = (await ask('/api/v1/open-data')).body;
    expect([enabled, datasets.length]).to.deep.equal([true, DATASETS.length]);
    expect(datasets[0]).to.include({
      quality: 'missing',
      link: 'offline',
      error: 'no way there',
      licence: 'CC BY 4.0',
    });
    expect((await ask('/api/v1/network')).body.network.feeders).to.have.length(3);
    await other.close();
  });

  it('pages through the audit records and verifies the chain', async () => {
    const first = await get('/api/v1/audit?limit=2');
    expect(first.body.nextAfter).to.equal(2);
    const second = await get('/api/v1/audit?limit=2&after=2&obp_id=obp-1');
    expect(second.body.records.map((record: { seq: number }) => record.seq)).to.deep.equal([3]);
    expect(second.body.nextAfter).to.equal(null);
    expect((await get('/api/v1/audit?event_id=event-9')).body.records).to.deep.equal([]);
    expect((await get('/api/v1/audit/verify')).body).to.include({ valid: true, records: 3 });
  });

  it('reads the audit newest first, page by page, and by feeder', async () => {
    const seqs = ({ body }: { body: { records: { seq: number }[] } }) => body.records.map(({ seq }) => seq);
    const first = await get('/api/v1/audit?order=newest&limit=2');
    expect(seqs(first)).to.deep.equal([3, 2]);
    expect(first.body.nextBefore).to.equal(2);
    const second = await get('/api/v1/audit?order=newest&limit=2&before=2');
    expect(seqs(second)).to.deep.equal([1]);
    expect(second.body.nextBefore).to.equal(null);
    expect(seqs(await get('/api/v1/audit?feeder_id=feeder-1')).length).to.be.above(0);
    expect(seqs(await get('/api/v1/audit?feeder_id=feeder-9'))).to.deep.equal([]);
  });

  it('exports settlement, usage and the trail of an order', async () => {
    const json = await get('/api/v1/settlement.json?from=2026-01-15&to=2026-01-15');
    expect(json.body.body.control.rows).to.equal(4);
    expect((await get('/api/v1/settlement.json?from=2026-01-16')).body.body.control.rows).to.equal(0);
    const csv = await get('/api/v1/settlement.csv');
    expect(csv.headers['content-type']).to.equal('text/csv; charset=utf-8');
    expect(csv.text.split('\r\n')[0]).to.match(/^report_id,report_version,.*,audit_seq,audit_hash$/);
    expect(csv.headers['x-content-sha256']).to.equal(sha256(csv.text));
    const usage = await get('/api/v1/usage');
    expect(usage.body.feeders).to.deep.equal([
      { feeder_id: 'feeder-1', events: 2, activations: 3, commands: 60, committed_kw: 120 },
    ]);
    const trail = await get('/api/v1/audit/export?obp_id=obp-1')
      .buffer(true)
      .parse((response, done) => {
        let text = '';
        response.on('data', (part) => {
          text += part;
        });
        response.on('end', () => done(null, text));
      });
    expect(String(trail.body).trimEnd().split('\n')).to.have.length(3);
  });

  it('gives the evidence of an order in one file that checks by itself', async () => {
    const { body, headers, status } = await get('/api/v1/audit/bundle?obp_id=obp-1');
    expect(status).to.equal(200);
    expect(headers['content-disposition']).to.contain('audit-bundle-obp-1.json');
    const verdict = checkBundle(Buffer.from(JSON.stringify(body)));
    expect(verdict).to.include({ valid: true, records: 3, checkpointed: 3 });
    expect(verdict).to.have.nested.property('keys[0].tie', 'none');
    expect((await get('/api/v1/audit/bundle?obp_id=obp-9')).status).to.equal(404);
    expect((await get('/api/v1/audit/bundle?obp_id=obp-1&scope=event')).body.scope).to.equal('event');
  });

  const bad: [path: string, parameter: string, message: string][] = [
    ['/api/v1/orders?limit=0', 'limit', 'expected a whole number from 1 to 500'],
    ['/api/v1/orders?limit=501', 'limit', 'expected a whole number from 1 to 500'],
    ['/api/v1/orders?limit=1e2', 'limit', 'expected a whole number from 1 to 500'],
    ['/api/v1/orders?limit=1&limit=2', 'limit', 'given more than once'],
    ['/api/v1/orders?event_id=a/b', 'event_id', 'expected an identifier'],
    ['/api/v1/audit?after=-1', 'after', 'expected a whole number from 0'],
    ['/api/v1/settlement.json?from=2026-02-30', 'from', 'expected a date'],
    ['/api/v1/settlement.csv?to=tomorrow', 'to', 'expected a date'],
    ['/api/v1/summary?colour=red', 'colour', 'unknown parameter'],
    ['/api/v1/overloads?open=maybe', 'open', 'expected one of true, false'],
    ['/api/v1/audit/export', 'obp_id', 'is required'],
    ['/api/v1/audit/bundle', 'obp_id', 'is required'],
    ['/api/v1/audit/bundle?obp_id=obp-1&scope=all', 'scope', 'expected one of order, event'],
  ];
  for (const [path, parameter, message] of bad) {
    it(`answers 400 for ${path} and says why`, async () => {
      const { body, status } = await get(path);
      expect(status).to.equal(400);
      expect(body.error).to.include({ code: 'BAD_PARAMETER', parameter });
      expect(body.error.message).to.contain(message);
    });
  }

  it('knows its own addresses and no others, and changes nothing', async () => {
    const unknown = await get('/api/v1/nothing');
    expect(unknown.status).to.equal(404);
    expect(unknown.body.error.code).to.equal('NOT_FOUND');
    const post = await request(app).post('/api/v1/orders');
    expect(post.status).to.equal(405);
    expect(post.headers.allow).to.equal('GET, HEAD');
  });

  it('answers its own origin only, and lets nothing else run in the page', async () => {
    const foreign = await get('/api/v1/snapshot').set('sec-fetch-site', 'cross-site').set('sec-fetch-mode', 'cors');
    expect(foreign.status).to.equal(403);
    const own = await get('/api/v1/snapshot').set('sec-fetch-site', 'same-origin').set('sec-fetch-mode', 'cors');
    expect(own.status).to.equal(200);
    expect(own.headers).to.not.have.property('access-control-allow-origin');
    expect(own.headers['x-content-type-options']).to.equal('nosniff');
    const page = await get('/');
    expect(page.headers['content-security-policy']).to.contain("script-src 'self'").and.contain("default-src 'none'");
    expect(page.text).to.not.match(/<script(?![^>]*src=)|\son[a-z]+=|https?:\/\//);
  });

  describe('stream', () => {
    let url: string;
    const server = createServer((req, res) => app(req, res));
    before(async () => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/stream`;
    });
    after(() => {
      server.closeAllConnections();
      server.close();
    });

    it('begins with a snapshot and goes on with what changes, the cause included', async () => {
      const events = await readEvents(url);
      const first = await events.next();
      expect(first.event).to.equal('snapshot');
      expect(first.data.feeders).to.deep.equal([FEEDER]);
      await dso.db
        .updateTable('flex_order')
        .set({ state_reason: 'changed', updated_wall_at: new Date() })
        .where('obp_id', '=', 'obp-2')
        .execute();
      await dso.context.engines.events.publish([{ topic: 'bap', key: 'obp-2', value: { type: 'order.changed' } }]);
      for (;;) {
        const delta = await events.next();
        expect(delta.event).to.equal('delta');
        if (delta.data.events.length === 0) continue;
        expect(delta.data.events).to.deep.equal([{ topic: 'bap', key: 'obp-2', value: { type: 'order.changed' } }]);
        expect(delta.data.orders.find((order) => order.obpId === 'obp-2')?.reason).to.equal('changed');
        break;
      }
      await events.close();
    });

    it('serves a bounded number of clients and says so to the next', async () => {
      const clients = await Promise.all(Array.from({ length: STREAM_CLIENTS }, () => readEvents(url)));
      const refused = await fetch(url);
      expect(refused.status).to.equal(503);
      expect(await refused.json()).to.have.nested.property('error.code', 'TOO_MANY_CLIENTS');
      await Promise.all(clients.map((client) => client.close()));
    });
  });
});
