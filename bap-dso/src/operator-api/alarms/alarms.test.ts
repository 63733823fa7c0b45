import { tokenSha256 } from '@flexder/runtime/access/people.ts';
import { streamContract } from '@flexder/runtime/engines/events/contract.ts';
import type { StreamEvent } from '@flexder/runtime/engines/events/port.ts';
import { expect } from 'chai';
import express from 'express';
import request from 'supertest';
import { DSO, type Opened, opened, seedOrder } from '../../audit-settlement/fixtures/opened.ts';
import type { BapConfig } from '../../config.ts';
import { clearAnomalyAlarms, raiseAlarm, recordAnomaly } from '../../flex-orchestration/alarms/alarms.ts';
import type { AnomalyChange } from '../../grid-monitoring/detection/anomalies.ts';
import { createOperatorApi, type OperatorApi } from '../router.ts';
import { shelvingsInForce } from './shelving.ts';

const people = (['viewer', 'operator'] as const).map((role) => ({ name: role, role, tokenSha256: tokenSha256(role) }));

describe('alarms of the operator', () => {
  let dso: Opened;
  let api: OperatorApi;
  let app: express.Express;
  before(async () => {
    dso = await opened();
    const config = { ...dso.config, subscriberId: DSO, viewing: 'open', operators: people } as unknown as BapConfig;
    api = createOperatorApi({ ...dso, config, feeders: () => [] });
    app = express().use(api);
    await seedOrder(dso.db, { state: 'IN_PROGRESS' });
  });
  after(async () => {
    await api.close();
    await dso.close();
  });
  beforeEach(async () => {
    await dso.db.deleteFrom('alarm').execute();
    await dso.db.updateTable('overload').set({ state: 'SHORT' }).execute();
  });

  const list = async () => (await request(app).get('/api/v1/alarms')).body.alarms as Record<string, unknown>[];
  const ack = (id: unknown, as = 'operator') =>
    request(app).post(`/api/v1/alarms/${id}/ack`).set('authorization', `Bearer ${as}`).send({});
  const raise = (alarm: Parameters<typeof raiseAlarm>[2]) =>
    dso.participant.transact((work) => raiseAlarm(dso, work as never, alarm));
  const change = (of: 'raised' | 'cleared', where: object) =>
    dso.participant.transact((work) => recordAnomaly(dso, work as never, anomaly(of, where)));
  function anomaly(of: 'raised' | 'cleared', where: object): AnomalyChange {
    const rule = { id: 'rule', version: '1', text: 'a rule' };
    const found = { kind: 'data-missing', present: true, rule, inputs: {}, text: 'x', sinceMs: 0, absentSinceMs: null };
    return { change: of, anomaly: found, atMs: 0, ...where } as unknown as AnomalyChange;
  }
  const acked = async () => {
    await dso.participant.audit.sealNow();
    const { body } = await request(app).get('/api/v1/audit?order=newest&limit=1');
    return body.records[0];
  };

  it('and that they were heard may stand on the event stream', async () => {
    await dso.db.deleteFrom('outbox').execute();
    await raise({ kind: 'relief-short', text: 'short', eventId: 'event-1', feederId: 'feeder-1', obpId: 'obp-1' });
    await change('raised', { substationId: 'heath-road' });
    for (const { alarmId } of await list()) await ack(alarmId);
    const rows = await dso.db.selectFrom('outbox').select('payload').where('kind', '=', 'event').execute();
    const told = rows.map(({ payload }) => payload as unknown as StreamEvent).filter(({ topic }) => topic === 'bap');
    expect(told.map(({ value }) => (value as { type: string }).type).sort()).to.deep.equal([
      ...['alarm.acknowledged', 'alarm.acknowledged', 'alarm.raised', 'alarm.raised'],
    ]);
    for (const { topic, value } of told) {
      const schema = streamContract.schemaOf(topic, value);
      expect(schema && streamContract.refuse(topic, schema, value), JSON.stringify(value)).to.equal(undefined);
      expect(schema).to.be.a('string');
    }
  });

  it('is heard once, under the name of who heard it, and that is on record', async () => {
    await raise({ kind: 'relief-short', text: 'short', eventId: 'event-1', feederId: 'feeder-1' });
    const [alarm] = await list();
    expect(alarm).to.include({ kind: 'relief-short', eventId: 'event-1', returned: false, ackedBy: null });
    expect((await ack(alarm?.alarmId)).body).to.deep.equal({ alarmId: alarm?.alarmId, ackedBy: 'operator' });
    expect((await list())[0]).to.include({ ackedBy: 'operator', returned: false });
    const record = await acked();
    expect(record).to.include({ event_type: 'alarm.acknowledged', actor_id: 'operator', actor_role: 'OPERATOR' });
    expect(record).to.include({ event_id: 'event-1', feeder_id: 'feeder-1', code: 'relief-short' });
    expect((await ack(alarm?.alarmId)).status).to.equal(200);
    expect((await acked()).seq).to.equal(record.seq);
  });

  it('a viewer hears none, and what is not there cannot be heard', async () => {
    await raise({ kind: 'relief-short', text: 'short', eventId: 'event-1' });
    const [alarm] = await list();
    const refused = await ack(alarm?.alarmId, 'viewer');
    expect([refused.status, refused.body.error.code]).to.deep.equal([403, 'AUT_ROLE']);
    expect((await list())[0]?.ackedBy).to.equal(null);
    for (const id of ['0', '-1', 'x'])
      expect((await ack(id)).body.error, id).to.include({ code: 'BAD_PARAMETER', parameter: 'id' });
  });

  it('is shelved with a reason until an instant, with those like it, and comes back by itself', async () => {
    await change('raised', { feederId: 'feeder-1' });
    await change('raised', { feederId: 'feeder-2' });
    const [, first] = await list();
    const put = (path: string, wanted: object, as = 'operator') =>
      request(app).post(`/api/v1/alarms/${first?.alarmId}/${path}`).set('authorization', `Bearer ${as}`).send(wanted);
    const wanted = { reason: 'the sensor is being changed', minutes: '30' };
    expect((await put('shelve', wanted, 'viewer')).body.error.code).to.equal('AUT_ROLE');
    for (const minutes of ['0', '481', '-1', '1.5', 'soon'])
      expect((await put('shelve', { ...wanted, minutes })).body.error, minutes).to.include({ parameter: 'minutes' });
    expect((await put('shelve', { minutes: '30' })).body.error).to.include({ parameter: 'reason' });
    expect((await put('unshelve', {})).body.error.message).to.contain('is not shelved');
    const shelved = async () =>
      (await list()).filter((alarm) => alarm.shelved).map(({ feederId, returned }) => [feederId, returned]);
    expect(await shelved()).to.deep.equal([]);
    const { body } = await put('shelve', wanted);
    expect(body.shelved).to.include({ by: 'operator', reason: wanted.reason });
    expect(await acked()).to.include({ event_type: 'alarm.shelved', actor_id: 'operator', feeder_id: 'feeder-1' });
    // It chatters: what is raised anew at that place is as unwanted, and at another it is wanted.
    await change('raised', { feederId: 'feeder-1' });
    expect((await shelved()).map(String)).to.deep.equal(['feeder-1,false', 'feeder-1,true']);
    const endsMs = Date.parse(body.shelved.until);
    const held = async (nowMs: number) => (await shelvingsInForce(dso.db as never, nowMs)).size;
    expect([await held(endsMs - 1), await held(endsMs)]).to.deep.equal([1, 0]);
    expect((await put('unshelve', {})).body).to.deep.equal({ alarmId: first?.alarmId, shelved: null });
    expect(await acked()).to.include({ event_type: 'alarm.unshelved', actor_id: 'operator' });
    expect(await shelved()).to.deep.equal([]);
    const kept = await dso.db.selectFrom('shelving').select(['reason', 'ended_by']).execute();
    expect(kept).to.deep.equal([{ reason: wanted.reason, ended_by: 'operator' }]);
  });

  it('returns with its anomaly: of that feeder, of that substation, and of all at a new start', async () => {
    await change('raised', { feederId: 'feeder-1' });
    await change('raised', { feederId: 'feeder-2' });
    await change('raised', { substationId: 'station-1' });
    await change('cleared', { feederId: 'feeder-1' });
    const standing = async () =>
      (await list()).filter(({ returned }) => !returned).map(({ feederId, substationId }) => feederId ?? substationId);
    expect(await standing()).to.deep.equal(['station-1', 'feeder-2']);
    await change('raised', { feederId: 'feeder-2' });
    expect(await standing()).to.deep.equal(['feeder-2', 'station-1']);
    await change('cleared', { substationId: 'station-1' });
    expect(await standing()).to.deep.equal(['feeder-2']);
    await clearAnomalyAlarms({ ...dso, participant: { ...dso.participant, database: dso.db } } as never);
    expect(await standing()).to.deep.equal([]);
  });

  it('a call for a decision returns when nothing waits for one, an event’s when it is over, an order’s when heard', async () => {
    await raise({ kind: 'decision-needed', text: 'decide', eventId: 'event-1' });
    await raise({ kind: 'relief-short', text: 'short', eventId: 'event-1' });
    await raise({ kind: 'order-lost', text: 'lost', eventId: 'event-1', obpId: 'obp-1' });
    const returned = async () => (await list()).filter((alarm) => alarm.returned).map(({ kind }) => kind);
    expect(await returned()).to.deep.equal(['decision-needed']);
    await dso.db.updateTable('overload').set({ state: 'RELEASED' }).execute();
    expect(await returned()).to.deep.equal(['relief-short', 'decision-needed']);
    await ack((await list()).find(({ kind }) => kind === 'order-lost')?.alarmId);
    expect(await returned()).to.deep.equal(['order-lost', 'relief-short', 'decision-needed']);
  });
});
