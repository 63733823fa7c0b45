import { tokenSha256 } from '@flexder/runtime/access/people.ts';
import { expect } from 'chai';
import express from 'express';
import { sql } from 'kysely';
import request from 'supertest';
import { DSO, NOW_MS, type Opened, opened, seedOrder } from '../../audit-settlement/fixtures/opened.ts';
import type { BapConfig } from '../../config.ts';
import { derHandsOf } from '../../ders/by-hand.ts';
import { OffersOnHand } from '../../ders/offers-on-hand.ts';
import { Restrictions } from '../../flex-orchestration/decisions/restrictions.ts';
import type { Desk } from '../../flex-orchestration/desk.ts';
import { offer } from '../../testing/offers.ts';
import type { Hands } from '../deps.ts';
import { createOperatorApi, type OperatorApi } from '../router.ts';
import type { DerView } from './views.ts';

const people = (['viewer', 'operator'] as const).map((role) => ({ name: role, role, tokenSha256: tokenSha256(role) }));
const BPP = 'bpp.example.org';

describe('devices of the operator', () => {
  let dso: Opened;
  let api: OperatorApi;
  let app: express.Express;
  let desk: Desk;

  before(async () => {
    dso = await opened();
    const config = { ...dso.config, subscriberId: DSO, viewing: 'open', operators: people } as unknown as BapConfig;
    const offers = new OffersOnHand();
    const parts = { restrictions: new Restrictions(), offers, reconsider: () => {} };
    desk = { ...dso, ...parts } as unknown as Desk;
    const told = {
      bppId: BPP,
      feederId: 'feeder-1',
      reasons: [{ reason: 'consent-expired', devices: 5, ratedKw: 13 }],
    };
    offers.note('feeder-1', BPP, { offers: [offer(BPP, { availableKw: 60 })], leftOut: [told] }, NOW_MS);
    const small = offer('other', { availableKw: 10, deviceType: 'ev-charger' });
    offers.note('feeder-1', 'other', { offers: [small], leftOut: [] }, NOW_MS);
    const hands = derHandsOf(desk) as unknown as Hands;
    const participant = Object.create(dso.participant, {
      subscribers: { value: async () => [{ subscriberId: BPP }] },
      awayCounterparties: { value: () => [] },
    });
    api = createOperatorApi({ ...dso, participant, config, offers, hands, feeders: () => [] });
    app = express().use(api);
    await seedOrder(dso.db, { state: 'IN_PROGRESS' });
    await seedOrder(dso.db, { obpId: 'obp-0', state: 'COMPLETED' });
    const served = (obpId: string, answer: string, askedKw: number) => ({ obpId, answer, askedKw, atMs: NOW_MS });
    const row = {
      feeder_id: 'feeder-1',
      device_type: 'battery' as const,
      bpp_id: BPP,
      rated_kw: null,
      heard_wall_at: null,
    };
    const ders = [
      { der_id: 'der-1', last_obp_id: 'obp-1', last_answer: 'ACCEPTED', import_msid: '1900000000001', rated_kw: 5 },
      { der_id: 'der-2', last_obp_id: 'obp-0', last_answer: 'OPTED_OUT' },
      { der_id: 'der-3', last_answer: null, device_type: null, bpp_id: '', rated_kw: 7.4, feeder_id: 'feeder-2' },
      { der_id: 'der-4', last_obp_id: 'obp-0', last_answer: 'ACCEPTED', device_type: 'heat-pump', bpp_id: 'other' },
    ].map((one) => ({ ...row, recent: '[]', ...one }));
    ders[0]!.recent = JSON.stringify([served('obp-1', 'ACCEPTED', 15), served('obp-0', 'ACCEPTED', 5)]);
    const withdrawn = { ...served('obp-0', 'OPTED_OUT', 6), reason: 'consent-withdrawn' };
    ders[1]!.recent = JSON.stringify([withdrawn, served('gone', 'ACCEPTED', 2)]);
    await dso.db
      .insertInto('der')
      .values(ders as never)
      .execute();
  });
  after(async () => {
    await api.close();
    await dso.close();
  });

  const get = (path: string) => request(app).get(path);
  const list = async (query = '') => (await get(`/api/v1/ders?${query}`)).body as { ders: DerView[]; total: number };
  const idsOf = async (query: string) => (await list(query)).ders.map(({ derId }) => derId);
  const der = async (id: string) => (await list(`der_id=${id}`)).ders[0]!;
  const post = (path: string, body: object, as = 'operator') =>
    request(app).post(path).set('authorization', `Bearer ${as}`).send(body);
  const propose = (kind: string, derId: string, bppId = BPP, as = 'operator') =>
    post('/api/v1/actions', { kind, reason: 'smoke', der_id: derId, bpp_id: bppId }, as);
  const confirm = ({ actionId, confirmToken }: { actionId: string; confirmToken: string }) =>
    post(`/api/v1/actions/${actionId}/confirm`, { token: confirmToken });

  it('are found by feeder, aggregator, type, answer and page', async () => {
    expect(await list()).to.have.property('total', 4);
    expect(await idsOf('feeder_id=feeder-1')).to.deep.equal(['der-1', 'der-2', 'der-4']);
    expect(await idsOf('bpp_id=other&type=heat-pump')).to.deep.equal(['der-4']);
    for (const [state, ids] of Object.entries({
      ...{ serving: ['der-1'], accepted: ['der-1', 'der-4'], 'opted-out': ['der-2'], 'not-asked': ['der-3'] },
      ...{ silent: [], excluded: [] },
    }))
      expect(await idsOf(`state=${state}`), state).to.deep.equal(ids);
    const page = await list('limit=2&offset=1');
    expect([page.ders.map(({ derId }) => derId), page.total]).to.deep.equal([['der-2', 'der-3'], 4]);
    for (const query of ['limit=501', 'state=asleep', 'type=boiler', 'feeder_id=a/b', 'msid=1'])
      expect((await get(`/api/v1/ders?${query}`)).status, query).to.equal(400);
  });

  it('are told with their orders and how they kept them, and without their meter', async () => {
    const one = await der('der-1');
    expect(one).to.deep.include({ bppId: BPP, feederId: 'feeder-1', ratedKw: 5, serving: true, excluded: null });
    expect(one.orders.map(({ obpId, state }) => [obpId, state])).to.deep.equal([
      ['obp-1', 'IN_PROGRESS'],
      ['obp-0', 'COMPLETED'],
    ]);
    expect(one.reliability).to.deep.equal({ share: 1, of: 'accepted', orders: 2 });
    expect((await der('der-2')).reliability).to.deep.equal({ share: 0.25, of: 'accepted', orders: 2 });
    expect(await der('der-3')).to.deep.include({ bppId: null, reliability: null, serving: false });
    for (const [id, state] of Object.entries({ 'der-1': 'valid', 'der-2': 'withdrawn' }))
      expect((await der(id)).consent, id).to.deep.equal({ state, atMs: NOW_MS });
    expect((await der('der-3')).consent).to.deep.equal({ state: 'unknown', atMs: null });
    const row = (delivered: number) =>
      JSON.stringify({ delivered_capped_mwh: String(delivered), instructed_mwh: '0.01' });
    const of = (obp: string, revision: number, delivered: number) =>
      sql`insert into settlement_row (obp_id, import_msid, settlement_date, settlement_period, revision, row)
        values (${obp}, '1900000000001', '2026-01-15', 35, ${revision}, ${row(delivered)}::jsonb)`.execute(dso.db);
    await of('obp-0', 1, 0.001);
    await of('obp-0', 2, 0.008);
    await of('another', 1, 0);
    expect((await der('der-1')).reliability).to.deep.equal({ share: 0.8, of: 'delivered', orders: 1 });
    expect(JSON.stringify(await list())).to.not.contain('1900000000001');
  });

  it('are excluded and restored in two steps, with what it means now', async () => {
    expect((await propose('exclude-der', 'der-1', BPP, 'viewer')).status).to.equal(403);
    const { status, body } = await propose('exclude-der', 'der-1');
    expect(status).to.equal(201);
    expect(body.effect).to.deep.include({
      der: { derId: 'der-1', feederId: 'feeder-1', deviceType: 'battery', ratedKw: 5 },
      whatIf: { feederId: 'feeder-1', withKw: 70, withoutKw: 55, lastNeedKw: 60 },
    });
    expect(body.effect.says)
      .to.contain('it stays in order obp-1 with 15 kW until release, unless that is changed')
      .and.contain(
        'without it 55 of 70 kW are on offer on feeder-1, the last need there was 60 kW, which would not be met',
      );
    expect((await der('der-1')).excluded).to.equal(null);
    expect((await confirm(body)).status).to.equal(200);
    expect((await der('der-1')).excluded).to.include({ by: 'operator', reason: 'smoke' });
    expect(await idsOf('state=excluded')).to.deep.equal(['der-1']);
    expect(desk.restrictions.excludedDers('feeder-1', BPP)).to.deep.equal(['der-1']);
    const { restrictions } = (await get('/api/v1/restrictions')).body;
    expect(restrictions).to.have.length(1);
    expect(restrictions[0]).to.include({ kind: 'exclude-der', subject: 'der-1', bppId: BPP, feederId: 'feeder-1' });

    const twice = await propose('exclude-der', 'der-1');
    expect(twice.body.error.message).to.contain('was excluded by operator: smoke');
    const restore = await propose('restore-der', 'der-1');
    expect((await confirm(restore.body)).status).to.equal(200);
    expect((await der('der-1')).excluded).to.equal(null);
    expect((await propose('restore-der', 'der-1')).body.error.message).to.contain('is not excluded');
    await dso.participant.audit.sealNow();
    const { records } = (await get('/api/v1/audit?order=newest&limit=2')).body;
    expect(records.map((record: Record<string, unknown>) => [record.event_type, record.der_id])).to.deep.equal([
      ['operator.restored', 'der-1'],
      ['operator.excluded', 'der-1'],
    ]);
  });

  it('that nobody knows, or whose aggregator is another, are no device to exclude', async () => {
    for (const [id, bppId, message] of [
      ['der-9', BPP, 'no device of that id is known of bpp.example.org'],
      ['der-1', 'other', 'no device of that id is known of other'],
      ['der-1', '-', 'no device of that id is known of nobody in particular'],
      ['der-1', 'a b', 'expected the id of its aggregator, or -'],
    ] as const) {
      const { status, body } = await propose('exclude-der', id, bppId);
      expect([status, body.error.message], id).to.deep.equal([
        400,
        `${bppId === 'a b' ? 'bpp_id' : 'der_id'}: ${message}`,
      ]);
    }
    const { body } = await propose('exclude-der', 'der-3', '-');
    expect(body.effect.says).to.contain(
      'in no order placed on feeder-2 from now on: every request to every aggregator of the feeder says so',
    );
    expect(body.effect).to.not.have.property('whatIf');
    expect((await confirm(body)).status).to.equal(200);
    expect(desk.restrictions.excludedDers('feeder-2', 'whoever')).to.deep.equal(['der-3']);
  });

  it('are what is on offer now; without an aggregator there is less', async () => {
    const { offers, leftOut, lastNeeds } = (await get('/api/v1/availability?feeder_id=feeder-1')).body;
    expect(offers).to.deep.equal([
      ...[['battery', BPP, 60] as const, ['ev-charger', 'other', 10] as const].map(([deviceType, bppId, kw]) => ({
        ...{ feederId: 'feeder-1', deviceType, bppId, kw, blocks: 1, heardAt: new Date(NOW_MS).toISOString() },
      })),
    ]);
    expect(leftOut).to.deep.equal([
      {
        ...{ feederId: 'feeder-1', bppId: BPP, heardAt: new Date(NOW_MS).toISOString() },
        reasons: [{ reason: 'consent-expired', devices: 5, ratedKw: 13 }],
      },
    ]);
    expect(lastNeeds).to.deep.equal([{ feederId: 'feeder-1', kw: 60 }]);
    expect((await get('/api/v1/availability?feeder_id=feeder-7')).body).to.deep.include({ offers: [], leftOut: [] });
    const { body } = await post('/api/v1/actions', { kind: 'exclude-bpp', reason: 'smoke', bpp_id: BPP });
    expect(body.effect.says).to.contain(
      'without it 10 of 70 kW are on offer on feeder-1, the last need there was 60 kW, which would not be met',
    );
  });
});
