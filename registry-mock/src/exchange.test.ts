import { randomUUID } from 'node:crypto';
import { listen } from '@flexder/runtime/http/listen.ts';
import { expect } from 'chai';
import express from 'express';
import { post, send, sign, statusBody } from './testing/messages.ts';
import { newKeys, type Peer } from './testing/network.ts';
import { answerOf, newTransaction, statusTo, tablesOf, until, usePair } from './testing/pair.ts';

/** Codes of what a participant refused, oldest first. */
async function rejections(peer: Peer): Promise<string[]> {
  const rows = await tablesOf(peer).selectFrom('audit_record').select('record').orderBy('id').execute();
  return rows.filter(({ record }) => record.event_type === 'beckn.rejected').map(({ record }) => String(record.code));
}

describe('messages between two participants', () => {
  const pair = usePair();

  it('carries a request and its answer, and records both sides', async () => {
    pair.behaviour = async (work, message) => void (await answerOf(work, message));
    const transaction = newTransaction();
    const id = await pair.bap.participant.transact((work) => work.send(statusTo(pair.bpp, transaction)));
    await pair.settled();
    expect(pair.requests.map(({ body }) => body.context.message_id)).to.deep.equal([id]);
    expect(pair.answers.map(({ body }) => [body.context.message_id, body.error?.code])).to.deep.equal([[id, '30010']]);
    const told = (await pair.bap.participant.audit.byTransaction(transaction)).map((r) => [
      r.event_type,
      r.beckn_action,
    ]);
    expect(told).to.deep.equal([
      ['beckn.sent', 'status'],
      ['beckn.received', 'on_status'],
    ]);
  });

  it('acknowledges a repetition without a second effect', async () => {
    const bytes = Buffer.from(JSON.stringify(statusBody(pair.bap, pair.bpp)));
    const authorization = sign(bytes, pair.bap.config.subscriberId, pair.bap.config.keys);
    for (let i = 0; i < 3; i++)
      expect((await post(`${pair.bpp.config.url}/status`, bytes, { authorization })).status).to.equal(200);
    await pair.settled();
    expect(pair.requests).to.have.length(1);
    expect(pair.bpp.context.metrics.total('replayed')).to.equal(2);
  });

  it('refuses another body under a message id that is taken', async () => {
    const body = statusBody(pair.bap, pair.bpp);
    expect((await send(pair.bap, pair.bpp, 'status', body)).status).to.equal(200);
    const other = { ...body, message: { order_id: randomUUID() } };
    const answer = await send(pair.bap, pair.bpp, 'status', other);
    expect([answer.status, answer.body.error?.code]).to.deep.equal([409, 'DUPLICATE_MESSAGE_ID']);
    await pair.settled();
    expect(pair.requests.map(({ body: { message } }) => message)).to.deep.equal([body.message]);
  });

  it('refuses a body changed after signing, with one record and no effect', async () => {
    const before = await rejections(pair.bpp);
    const text = JSON.stringify(statusBody(pair.bap, pair.bpp));
    const authorization = sign(Buffer.from(text), pair.bap.config.subscriberId, pair.bap.config.keys);
    const answer = await post(`${pair.bpp.config.url}/status`, text.replace('PT30S', 'PT31S'), { authorization });
    expect([answer.status, answer.body.error?.code]).to.deep.equal([401, 'AUT_SIGNATURE_INVALID']);
    expect(answer.headers.get('www-authenticate')).to.equal(
      'Signature realm="bpp.example",headers="(created) (expires) digest"',
    );
    expect((await rejections(pair.bpp)).slice(before.length)).to.deep.equal(['AUT_SIGNATURE_INVALID']);
    expect(pair.requests).to.have.length(0);
    expect((await post(`${pair.bpp.config.url}/status`, text, { authorization })).status).to.equal(200);
  });

  it('refuses a signer that is not subscribed', async () => {
    const body = statusBody(pair.bap, pair.bpp, { bap_id: 'stranger.example' });
    const bytes = Buffer.from(JSON.stringify(body));
    const authorization = sign(bytes, 'stranger.example', newKeys());
    const answer = await post(`${pair.bpp.config.url}/status`, bytes, { authorization });
    expect([answer.status, answer.body.error?.code]).to.deep.equal([401, 'AUT_SUBSCRIBER_NOT_FOUND']);
    expect(pair.requests).to.have.length(0);
  });

  it('refuses a callback address that is not the registered one, and calls nothing there', async () => {
    let calls = 0;
    const trap = await listen((_request, response) => response.end(String(calls++)), { host: '127.0.0.1', port: 0 });
    pair.behaviour = async (work, message) => void (await answerOf(work, message));
    const answer = await send(
      pair.bap,
      pair.bpp,
      'status',
      statusBody(pair.bap, pair.bpp, { bap_uri: `${trap.url}/beckn` }),
    );
    expect([answer.status, answer.body.error?.code]).to.deep.equal([400, 'CTX_COUNTERPARTY_URL']);
    expect((await send(pair.bap, pair.bpp, 'status', statusBody(pair.bap, pair.bpp))).status).to.equal(200);
    await pair.settled();
    await trap.close();
    expect([calls, pair.answers.length]).to.deep.equal([0, 1]);
  });

  it('does not follow a counterparty that redirects its callback', async () => {
    let calls = 0;
    const inside = await listen((_request, response) => response.end(String(calls++)), { host: '127.0.0.1', port: 0 });
    const sly = await pair.network.peer({ id: 'sly.example', type: 'BPP' });
    const app = express().use((request, response) => response.redirect(307, inside.url + request.path));
    sly.server.server.removeAllListeners('request').on('request', app);
    await pair.bap.participant.transact((work) => work.send(statusTo(sly, newTransaction(), 1_000)));
    await until('given up', () => pair.undelivered.length === 1);
    expect(pair.undelivered.map(({ reason }) => reason)).to.deep.equal(['unreachable']);
    expect(calls).to.equal(0);
    await inside.close();
  });

  it('answers in JSON whatever is asked', async () => {
    const url = pair.bpp.config.url;
    const big = await post(`${url}/status`, 'x'.repeat(300_000), {});
    expect([big.status, big.body.error?.code]).to.deep.equal([413, 'SCH_BODY_TOO_LARGE']);
    const packed = await post(`${url}/status`, 'x', { 'content-encoding': 'gzip' });
    expect([packed.status, packed.body.error?.code]).to.deep.equal([415, 'SCH_UNSUPPORTED_MEDIA_TYPE']);
    expect((await post(`${url}/nonsense`, '{}', {})).status).to.equal(404);
    const get = await fetch(`${url}/status`);
    expect([get.status, get.headers.get('content-type')]).to.deep.equal([405, 'application/json; charset=utf-8']);
    const broken = await fetch(`${url}/%E0%A4%A`);
    expect([broken.status, ((await broken.json()) as { error: { code: string } }).error.code]).to.deep.equal([
      400,
      'SCH_INVALID_FORMAT',
    ]);
  });
});
