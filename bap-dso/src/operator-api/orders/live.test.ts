import { expect } from 'chai';
import express from 'express';
import request from 'supertest';
import { type Opened, opened, seedOrder } from '../../audit-settlement/fixtures/opened.ts';
import type { BapConfig } from '../../config.ts';
import { createOperatorApi, type OperatorApi } from '../router.ts';

const BPP = 'bpp.example.org';
const HOME = 'https://bpp.example.org/beckn';
const LIVE = {
  ...{ version: 1, order_id: 'order-1', at: '2026-01-15T17:10:00.000Z', state: 'IN_PROGRESS' },
  ...{ committed_kw: 60, acknowledged_kw: 45, measured_kw: 44.2, shortfall_kw: 15.8 },
};

describe('a live order', () => {
  let dso: Opened;
  let api: OperatorApi;
  let app: express.Express;
  before(async () => {
    dso = await opened();
    await seedOrder(dso.db, { state: 'IN_PROGRESS' });
    await dso.db.updateTable('flex_order').set({ bpp_id: BPP, order_id: 'order-1' }).execute();
    const config = { ...dso.config, subscriberId: 'dso-1', viewing: 'open', operators: [] } as unknown as BapConfig;
    const subscribers = async () => [{ subscriberId: BPP, url: HOME }];
    const participant = Object.create(dso.participant, { subscribers: { value: subscribers } });
    api = createOperatorApi({ ...dso, participant, config, feeders: () => [] });
    app = express().use(api);
  });
  after(async () => {
    await api.close();
    await dso.close();
  });
  const followedAt = (live_url: string | null) => dso.db.updateTable('flex_order').set({ live_url }).execute();
  const look = async () => {
    dso.fetched.length = 0;
    const { status, body } = await request(app).get('/api/v1/orders/obp-1/live');
    return { status, body, text: String(body.error?.message) };
  };

  it('is what its aggregator shows at the address that it named', async () => {
    await followedAt(`${HOME}/live/order-1`);
    dso.documents.set('/live/order-1', Buffer.from(JSON.stringify(LIVE)));
    const { status, body } = await look();
    expect(status).to.equal(200);
    expect(body).to.deep.equal({ obpId: 'obp-1', bppId: BPP, live: LIVE });
    expect(dso.fetched).to.deep.equal(['/live/order-1']);
  });

  it('is not asked for elsewhere, whatever the aggregator named', async () => {
    for (const url of [
      'https://evil.example/beckn/live/1',
      `${HOME}.evil.example/live/1`,
      `${HOME}/../admin`,
      `${HOME}/live/%2e%2e/x`,
    ]) {
      await followedAt(url);
      expect((await look()).text, url).to.match(/not below its registered one/);
      expect(dso.fetched).to.deep.equal([]);
    }
  });

  it('is not believed when it is another order or no live order, and said not to be shown where it is not', async () => {
    await followedAt(`${HOME}/live/order-1`);
    dso.documents.delete('/live/order-1');
    expect(await look()).to.include({ status: 502, text: `${BPP} does not show it: answered 404` });
    for (const [shown, why] of [
      [{ ...LIVE, order_id: 'order-2' }, /another order than order-1/],
      [{ ...LIVE, measured_kw: '44' }, /no live order/],
      [{ ...LIVE, note: '<b>' }, /no live order/],
    ] as const) {
      dso.documents.set('/live/order-1', Buffer.from(JSON.stringify(shown)));
      const { status, text } = await look();
      expect(status).to.equal(502);
      expect(text).to.match(why);
    }
  });

  it('is there only once it was asked for', async () => {
    await followedAt(null);
    const { status, text } = await look();
    expect(status).to.equal(400);
    expect(text).to.match(/propose the action track-order first/);
  });
});
