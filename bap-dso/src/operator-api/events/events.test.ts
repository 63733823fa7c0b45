/** One event over time, over the API, on the tables of a DSO. */

import { generateKeys } from '@flexder/protocol/beckn/keys.ts';
import { digestHeader, signMessage } from '@flexder/protocol/beckn/signature.ts';
import { tokenSha256 } from '@flexder/runtime/access/people.ts';
import { createRejectionLog, type RejectionTables } from '@flexder/runtime/participant/inbound/rejections.ts';
import { expect } from 'chai';
import express from 'express';
import request from 'supertest';
import { sha256 } from '../../audit-settlement/digest.ts';
import { DSO, type Opened, opened, seedOrder } from '../../audit-settlement/fixtures/opened.ts';
import type { BapConfig } from '../../config.ts';
import { answersRecord } from '../../dispatch/report.ts';
import { createOperatorApi, type OperatorApi } from '../router.ts';

const BPP = 'bpp.example.org';
const SENT_MS = Date.parse('2026-11-20T10:00:00.120Z');
const bppKeys = generateKeys();
const people = [{ name: 'vera', role: 'viewer' as const, tokenSha256: tokenSha256('vera') }];

function signed(body: Buffer) {
  const createdS = Math.floor(SENT_MS / 1000);
  const times = { createdS, expiresS: createdS + 30 };
  const authorization = signMessage({ body, subscriberId: BPP, keyId: 'bpp-key', seed: bppKeys.signingSeed, ...times });
  return { authorization, digest: digestHeader(body) };
}

describe('one event over time', () => {
  let dso: Opened;
  let api: OperatorApi;
  let app: express.Express;
  const text = '{ "context": {"message_id":"m-1"}, "message": {"name":"<b>é</b>"} }';
  const body = Buffer.from(text);
  before(async () => {
    dso = await opened();
    const config = { ...dso.config, subscriberId: DSO, viewing: 'login', operators: people } as unknown as BapConfig;
    const entry = {
      ...{ keyId: 'bpp-key', signingPublicKey: bppKeys.signingPublicKey, status: 'SUBSCRIBED' },
      ...{ validFromMs: 0, validUntilMs: Date.parse('2100-01-01T00:00:00Z') },
    };
    const registry = { records: async (id: string) => (id === BPP ? [entry] : []) };
    const participant = Object.create(dso.participant, { registry: { value: registry } });
    api = createOperatorApi({ ...dso, config, participant, feeders: () => [] });
    app = express().use(api);
    await seedOrder(dso.db);
    await dso.db
      .insertInto('inbound_message')
      .values({
        ...{ signer: BPP, action: 'on_status' as const, message_id: 'm-1', transaction_id: 'transaction-obp-1' },
        ...{ sha256: sha256(body), body: text, state: 'handled' as const, error: null },
        signature: signed(body).authorization,
        headers: JSON.stringify({ digest: signed(body).digest }),
        public_key: bppKeys.signingPublicKey,
        received_at: new Date(SENT_MS + 30),
      })
      .execute();
    const header = signed(body).authorization;
    const value = /signature="([^"]+)"/.exec(header)![1]!;
    const of = { event_id: 'event-1', obp_id: 'obp-1', counterparty_id: BPP, transaction_id: 'transaction-obp-1' };
    const answers = { commands: 20, firstAtMs: SENT_MS, lastAtMs: SENT_MS + 9, accepted: 15, rejected: 1, optedOut: 1 };
    const dispatch = answersRecord({ ...answers, expired: 1, silent: 2, acknowledgedKw: 52, closed: true });
    await dso.participant.transact(async (work) => {
      await work.audit({ event_type: 'overload.detected', event_id: 'event-1' });
      await work.audit({
        ...{ event_type: 'beckn.received', ...of, beckn_action: 'on_status', message_id: 'm-1' },
        payload_sha256: sha256(body),
        signature: { key_id: 'bpp-key', alg: 'ed25519', value },
      });
      await work.audit({ event_type: 'order.changed', ...of, rule_inputs: dispatch, decision: 'a → b' });
      await work.audit({
        ...{ event_type: 'beckn.undelivered', ...of, beckn_action: 'status', message_id: 'm-2' },
        decision: 'nack ORD_STATE: over',
      });
    });
    await dso.participant.audit.sealNow();
    const readings = ['16:58', '16:59', '17:10'].map((at, index) => ({
      ...{ feeder_id: 'feeder-1', power_kw: [612, 608, 560][index]!, quality: 'GOOD' as const },
      read_at: `2026-01-15T${at}:00Z`,
    }));
    await dso.db.insertInto('feeder_reading').values(readings).execute();
  });
  after(async () => {
    await api.close();
    await dso.close();
  });
  const get = (path: string) => request(app).get(`/api/v1/${path}`).set('authorization', 'Bearer vera');

  it('is shown to who may see the record, and to nobody else', async () => {
    for (const path of [
      ...['events/event-1/steps', 'events/event-1/messages', 'events/event-1/relief', 'events/event-1/devices'],
      ...['messages/2/raw', 'messages/2/verify', 'audit'],
    ]) {
      expect((await get(path)).status, path).to.equal(200);
      const refused = await request(app).get(`/api/v1/${path}`);
      expect([refused.status, refused.body.error.code], path).to.deep.equal([401, 'AUT_SIGN_IN']);
    }
  });

  it('has steps of three kinds, a page at a time', async () => {
    const { body: page } = await get('events/event-1/steps?limit=3');
    expect(page.steps.map(({ kind }: { kind: string }) => kind)).to.deep.equal(['decision', 'message', 'devices']);
    expect(page.steps[2].answers).to.include({ commands: 20, accepted: 15, lastAtMs: SENT_MS + 9, closed: true });
    expect([page.detectedMs, page.nextAfter]).to.deep.equal([Date.parse('2026-11-20T10:00:00Z'), 3]);
    const { body: rest } = await get('events/event-1/steps?limit=3&after=3');
    expect(rest.steps.map(({ record }: { record: { seq: number } }) => record.seq)).to.deep.equal([4]);
    expect(rest.nextAfter).to.equal(null);
  });

  it('lists its messages with the verdict on each signature, at the time that they were on the wire', async () => {
    const { messages, nextAfter } = (await get('events/event-1/messages')).body;
    expect(nextAfter).to.equal(null);
    expect(messages).to.have.lengthOf(2);
    expect(messages[0]).to.deep.include({
      ...{ seq: 2, direction: 'in', action: 'on_status', counterpartyId: BPP, atMs: SENT_MS + 30 },
      signature: { state: 'verified', keyId: 'bpp-key', algorithm: 'ed25519', why: null },
    });
    expect(messages[1]).to.deep.include({
      direction: 'out',
      signature: { state: 'own', keyId: null, algorithm: null, why: 'nack ORD_STATE: over' },
    });
  });

  it('gives a message byte by byte with its headers, and says when it is not kept', async () => {
    const { raw, message } = (await get('messages/2/raw')).body;
    expect(raw).to.deep.equal({
      ...{ encoding: 'utf-8', body: text, bytes: body.length, atMs: SENT_MS + 30 },
      headers: Object.entries(signed(body)),
    });
    expect(message.sha256).to.equal(sha256(body));
    expect((await get('messages/4/raw')).body.raw).to.equal(null);
    expect((await get('messages/4/verify')).body).to.include({ verdict: 'gone' });
  });

  it('verifies a message again, and finds one whose stored bytes were changed', async () => {
    const verified = (await get('messages/2/verify')).body;
    expect(verified).to.include({ verdict: 'verified' });
    expect(verified.key).to.include({ subscriberId: BPP, keyId: 'bpp-key', from: 'stored with the message' });
    expect(verified.key.registryNow).to.match(/^the same key, in force until 2100/);
    const store = (stored: string) =>
      dso.db.updateTable('inbound_message').set({ body: stored }).where('message_id', '=', 'm-1').execute();
    await store(text.replace('é', 'e'));
    const changed = (await get('messages/2/verify')).body;
    expect(changed.verdict).to.equal('not-verified');
    const failed = changed.checks.filter(({ holds }: { holds: boolean }) => !holds);
    expect(failed.map(({ what }: { what: string }) => what)).to.deep.equal(['record', 'digest']);
    await store(text);
    expect((await get('messages/2/verify')).body.verdict).to.equal('verified');
  });

  it('has a message that was refused, with the reason, what came, and why it cannot be verified', async () => {
    const { participant, context, db } = dso;
    const tables = db as unknown as RejectionTables;
    const log = createRejectionLog(context, { subscriberId: DSO, type: 'BAP' }, tables, () => {});
    const forged = Buffer.from('{"context":{"transaction_id":"transaction-obp-1","message_id":"m-9"}}');
    const exchange = { body: forged, headers: signed(body) };
    const refusal = { action: 'on_status', code: 'AUT_SIGNATURE_INVALID', reason: 'digest', text: 'other bytes' };
    await log.record({ ...refusal, exchange });
    await participant.audit.sealNow();
    const { messages } = (await get('events/event-1/messages')).body;
    const { seq, ...refused } = messages.at(-1);
    expect(refused).to.deep.include({
      ...{ eventType: 'beckn.rejected', direction: 'in', action: 'on_status', counterpartyId: null, messageId: 'm-9' },
      signature: { state: 'refused', keyId: null, algorithm: null, why: 'digest: other bytes' },
    });
    expect((await get(`messages/${seq}/raw`)).body.raw).to.include({ encoding: 'utf-8', body: forged.toString() });
    const again = (await get(`messages/${seq}/verify`)).body;
    expect([again.verdict, again.key.from]).to.deep.equal(['not-verified', 'registry']);
    expect(again.checks.at(-1)).to.include({ what: 'digest', holds: false });
    // What is no text is shown as what it is.
    const bytes = Buffer.from([0xff, 0x00, 0x7b]);
    await db.updateTable('refused_message').set({ body: bytes }).execute();
    expect((await get(`messages/${seq}/raw`)).body.raw).to.include({ encoding: 'hex', body: 'ff007b', bytes: 3 });
  });

  it('knows no message in other records, and says what it expects', async () => {
    const none = await get('messages/1/raw');
    expect([none.status, none.body.error.message]).to.deep.equal([404, 'record 1 is of no message']);
    for (const path of ['messages/x/raw', 'messages/1234567890123456/verify', 'events/a%2Fb/steps'])
      expect((await get(path)).status, path).to.equal(400);
    expect((await get('events/event-1/steps?limit=501')).body.error.parameter).to.equal('limit');
    expect((await get('events/event-9/relief')).status).to.equal(404);
    expect((await get('events/event-9/steps')).body).to.deep.equal({
      ...{ detectedMs: null, steps: [], nextAfter: null },
    });
  });

  it('has three lines against the band of what was asked', async () => {
    const { body: relief } = await get('events/event-1/relief');
    const [startMs, endMs] = [Date.parse('2026-01-15T17:00:00Z'), Date.parse('2026-01-15T17:45:00Z')];
    expect(relief).to.deep.include({ window: { startMs, endMs }, band: { neededKw: 30, requestedKw: 60 } });
    expect(relief.promised).to.deep.equal([
      { atMs: startMs, kw: 60 },
      { atMs: endMs, kw: 60 },
    ]);
    // Its record was made after the window, when the clock of the grid stood at half past six.
    expect(relief.acknowledged.at(-1)).to.deep.equal({ atMs: endMs, kw: 0 });
    expect([relief.baselineKw, relief.measured]).to.deep.equal([610, [{ atMs: startMs + 600_000, kw: 50 }]]);
  });

  it('promises and measures nothing before its window', async () => {
    await seedOrder(dso.db, { obpId: 'obp-ahead', eventId: 'event-ahead', state: 'IN_PROGRESS' });
    const window = { startMs: Date.parse('2026-01-15T19:00:00Z'), endMs: Date.parse('2026-01-15T19:30:00Z') };
    const [from, until] = [new Date(window.startMs), new Date(window.endMs)];
    const event = dso.db
      .updateTable('overload')
      .set({ window_start_at: from, window_end_at: until, released_at: null });
    await event.where('event_id', '=', 'event-ahead').execute();
    const order = dso.db.updateTable('flex_order').set({ selection: JSON.stringify({ window, items: [] }) });
    await order.where('obp_id', '=', 'obp-ahead').execute();
    const { body: relief } = await get('events/event-ahead/relief');
    expect(relief).to.deep.include({ window, baselineKw: null, measured: [], untilMs: window.startMs });
    expect(relief.promised).to.deep.equal([{ atMs: window.startMs, kw: 0 }]);
  });

  it('lists its devices with what each answered, and why where its aggregator says so', async () => {
    const one = { obpId: 'obp-1', answer: 'ACCEPTED', askedKw: 4, atMs: 1, toldMs: SENT_MS };
    const gone = { ...one, answer: 'OPTED_OUT', reason: 'consent-withdrawn' };
    const rows = [one, gone].map((answered, index) => ({
      ...{ der_id: `der-${index + 1}`, bpp_id: BPP, feeder_id: 'feeder-1', device_type: 'battery' as const },
      ...{ rated_kw: null, import_msid: null, last_obp_id: 'obp-1', heard_wall_at: null },
      last_answer: answered.answer as 'ACCEPTED' | 'OPTED_OUT',
      recent: JSON.stringify([answered, { ...answered, obpId: 'obp-other' }]),
    }));
    await dso.db.insertInto('der').values(rows).execute();
    const first = await get('events/event-1/devices?limit=1');
    expect(first.body.devices[0]).to.include({ derId: 'der-1', answer: 'ACCEPTED', reason: null });
    const { body: page } = await get('events/event-1/devices?limit=1&offset=1');
    expect(page.total).to.equal(2);
    const told = { askedKw: 4, answer: 'OPTED_OUT', reason: 'consent-withdrawn', toldMs: SENT_MS };
    expect(page.devices).to.deep.equal([
      { derId: 'der-2', bppId: BPP, deviceType: 'battery', obpId: 'obp-1', ...told },
    ]);
  });
});
