import { randomUUID } from 'node:crypto';
import { verifyChain } from '@flexder/protocol/audit/chain.ts';
import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import { documentRequest } from '@flexder/protocol/beckn/document-request.ts';
import { orderId, type TransactionId, transactionId } from '@flexder/protocol/beckn/identifiers.ts';
import { listen } from '@flexder/runtime/http/listen.ts';
import { STORE_TIMEOUT_MS } from '@flexder/runtime/participant/limits.ts';
import type { ParticipantTables } from '@flexder/runtime/participant/open.ts';
import type { InboundMessage, OutgoingMessage, Undelivered, UnitOfWork } from '@flexder/runtime/participant/types.ts';
import { validateRecord } from '@flexder/schemas/validators.ts';
import { expect } from 'chai';
import express from 'express';
import { type Kysely, sql } from 'kysely';
import { post, send, sign, statusBody } from './testing/messages.ts';
import { type Network, newKeys, openNetwork, type Peer } from './testing/network.ts';

const newTransaction = () => transactionId(randomUUID());
const tablesOf = (peer: Peer) => peer.participant.database as unknown as Kysely<ParticipantTables>;

function statusTo(bpp: Peer, transaction: TransactionId, ttlMs = 30_000): OutgoingMessage {
  const message = { order_id: orderId(randomUUID()) };
  return { action: 'status', to: bpp.config.subscriberId, toType: 'BPP', transactionId: transaction, ttlMs, message };
}

async function until(what: string, true_: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (await true_()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`never happened: ${what}`);
}

async function rejections(peer: Peer): Promise<string[]> {
  const rows = await tablesOf(peer).selectFrom('audit_record').select('record').orderBy('id').execute();
  return rows.filter(({ record }) => record.event_type === 'beckn.rejected').map(({ record }) => String(record.code));
}

describe('a network in one process', () => {
  let network: Network;
  let bap: Peer;
  let bpp: Peer;
  const requests: InboundMessage[] = [];
  const answers: InboundMessage[] = [];
  const undelivered: Undelivered[] = [];
  const hooks = { onUndelivered: async (_: unknown, lost: Undelivered) => void undelivered.push(lost) };
  /** What the BPP's handler does besides counting. */
  let behaviour: (work: UnitOfWork<unknown>, message: InboundMessage) => Promise<void> = async () => {};

  const settled = () => until('nothing in flight', () => bap.context.activity.inFlight === 0);
  const answerOf = (work: UnitOfWork<unknown>, { signerId, body }: InboundMessage) =>
    work.send({
      action: 'on_status',
      to: signerId,
      toType: 'BAP',
      transactionId: body.context.transaction_id,
      messageId: body.context.message_id,
      ttlMs: 30_000,
      error: { code: '30010', message: 'order not found' },
    });

  before(async function () {
    this.timeout(60_000);
    network = await openNetwork();
    bap = await network.peer({ id: 'bap.example', type: 'BAP' });
    const { wall } = network.context('bpp.example');
    // The pauses between a handler's attempts, fifty times as fast; the bound of a write as it is.
    const hasty = {
      ...wall,
      sleep: (ms: number, signal?: AbortSignal) => wall.sleep(ms === STORE_TIMEOUT_MS ? ms : ms / 50, signal),
    };
    bpp = await network.peer({ id: 'bpp.example', type: 'BPP', context: { wall: hasty } });
    await bpp.participant.serve(
      {
        async status(work, message) {
          requests.push(message);
          await behaviour(work, message);
        },
      },
      hooks,
    );
    await bap.participant.serve({ on_status: async (_work, message) => void answers.push(message) }, hooks);
  });
  beforeEach(() => {
    behaviour = async () => {};
    for (const list of [requests, answers, undelivered]) list.length = 0;
  });
  after(() => network.close());

  it('carries a request and its answer, and records both sides', async () => {
    behaviour = async (work, message) => void (await answerOf(work, message));
    const transaction = newTransaction();
    const id = await bap.participant.transact((work) => work.send(statusTo(bpp, transaction)));
    await settled();
    expect(requests.map(({ body }) => body.context.message_id)).to.deep.equal([id]);
    expect(answers.map(({ body }) => [body.context.message_id, body.error?.code])).to.deep.equal([[id, '30010']]);
    const told = (await bap.participant.audit.byTransaction(transaction)).map((r) => [r.event_type, r.beckn_action]);
    expect(told).to.deep.equal([
      ['beckn.sent', 'status'],
      ['beckn.received', 'on_status'],
    ]);
  });

  it('acknowledges a repetition without a second effect', async () => {
    const bytes = Buffer.from(JSON.stringify(statusBody(bap, bpp)));
    const authorization = sign(bytes, bap.config.subscriberId, bap.config.keys);
    for (let i = 0; i < 3; i++)
      expect((await post(`${bpp.config.url}/status`, bytes, { authorization })).status).to.equal(200);
    await settled();
    expect(requests).to.have.length(1);
    expect(bpp.context.metrics.total('replayed')).to.equal(2);
  });

  it('refuses another body under a message id that is taken', async () => {
    const body = statusBody(bap, bpp);
    expect((await send(bap, bpp, 'status', body)).status).to.equal(200);
    const other = { ...body, message: { order_id: randomUUID() } };
    const answer = await send(bap, bpp, 'status', other);
    expect([answer.status, answer.body.error?.code]).to.deep.equal([409, 'DUPLICATE_MESSAGE_ID']);
    await settled();
    expect(requests.map(({ body: { message } }) => message)).to.deep.equal([body.message]);
  });

  it('refuses a body changed after signing, with one record and no effect', async () => {
    const before = await rejections(bpp);
    const text = JSON.stringify(statusBody(bap, bpp));
    const authorization = sign(Buffer.from(text), bap.config.subscriberId, bap.config.keys);
    const answer = await post(`${bpp.config.url}/status`, text.replace('PT30S', 'PT31S'), { authorization });
    expect([answer.status, answer.body.error?.code]).to.deep.equal([401, 'AUT_SIGNATURE_INVALID']);
    expect(answer.headers.get('www-authenticate')).to.equal(
      'Signature realm="bpp.example",headers="(created) (expires) digest"',
    );
    expect((await rejections(bpp)).slice(before.length)).to.deep.equal(['AUT_SIGNATURE_INVALID']);
    expect(requests).to.have.length(0);
    expect((await post(`${bpp.config.url}/status`, text, { authorization })).status).to.equal(200);
  });

  it('refuses a signer that is not subscribed', async () => {
    const body = statusBody(bap, bpp, { bap_id: 'stranger.example' });
    const bytes = Buffer.from(JSON.stringify(body));
    const authorization = sign(bytes, 'stranger.example', newKeys());
    const answer = await post(`${bpp.config.url}/status`, bytes, { authorization });
    expect([answer.status, answer.body.error?.code]).to.deep.equal([401, 'AUT_SUBSCRIBER_NOT_FOUND']);
    expect(requests).to.have.length(0);
  });

  it('refuses a callback address that is not the registered one, and calls nothing there', async () => {
    let calls = 0;
    const trap = await listen((_request, response) => response.end(String(calls++)), { host: '127.0.0.1', port: 0 });
    behaviour = async (work, message) => void (await answerOf(work, message));
    const answer = await send(bap, bpp, 'status', statusBody(bap, bpp, { bap_uri: `${trap.url}/beckn` }));
    expect([answer.status, answer.body.error?.code]).to.deep.equal([400, 'CTX_COUNTERPARTY_URL']);
    expect((await send(bap, bpp, 'status', statusBody(bap, bpp))).status).to.equal(200);
    await settled();
    await trap.close();
    expect([calls, answers.length]).to.deep.equal([0, 1]);
  });

  it('does not follow a counterparty that redirects its callback', async () => {
    let calls = 0;
    const inside = await listen((_request, response) => response.end(String(calls++)), { host: '127.0.0.1', port: 0 });
    const sly = await network.peer({ id: 'sly.example', type: 'BPP' });
    const app = express().use((request, response) => response.redirect(307, inside.url + request.path));
    sly.server.server.removeAllListeners('request').on('request', app);
    await bap.participant.transact((work) => work.send(statusTo(sly, newTransaction(), 1_000)));
    await until('given up', () => undelivered.length === 1);
    expect(undelivered.map(({ reason }) => reason)).to.deep.equal(['unreachable']);
    expect(calls).to.equal(0);
    await inside.close();
  });

  it('answers in JSON whatever is asked', async () => {
    const url = bpp.config.url;
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

  it('tries a failing handler again', async () => {
    let failures = 2;
    behaviour = async (work, message) => {
      if (failures-- > 0) throw new Error('not yet');
      await answerOf(work, message);
    };
    await bap.participant.transact((work) => work.send(statusTo(bpp, newTransaction())));
    await settled();
    expect([requests.length, answers.length]).to.deep.equal([3, 1]);
  });

  it('gives up on a handler that keeps failing: alarm, record, and an error to who asked', async () => {
    behaviour = async () => {
      throw new Error('never');
    };
    const transaction = newTransaction();
    await bap.participant.transact((work) => work.send(statusTo(bpp, transaction)));
    await settled();
    expect(requests).to.have.length(5);
    expect(answers.map(({ body }) => body.error?.code)).to.deep.equal(['INTERNAL']);
    expect(bpp.context.metrics.total('handled', { result: 'failed' })).to.equal(1);
    const told = (await bpp.participant.audit.byTransaction(transaction)).map((r) => r.event_type);
    expect(told).to.deep.equal(['beckn.failed', 'beckn.sent']);
  });

  it('tells the service of a message that was refused or had nobody to go to', async () => {
    const transaction = newTransaction();
    await bap.participant.transact(async (work) => {
      await work.send({ ...statusTo(bpp, transaction), message: { order_id: '' } });
      await work.send({ ...statusTo(bpp, transaction), to: 'nobody.example' as never });
    });
    await until('both closed', () => undelivered.length === 2);
    expect(undelivered.map(({ reason, status }) => [reason, status]).sort()).to.deep.equal([
      ['nack', 400],
      ['unknown-subscriber', undefined],
    ]);
    const rows = await tablesOf(bap).selectFrom('outbox').select('error').where('failed_at', 'is not', null).execute();
    expect(rows.length).to.be.greaterThan(1);
  });

  it('delivers the messages of one transaction in order, over a fault', async () => {
    const order: string[] = [];
    let refusals = 2;
    const shaky = await network.peer({ id: 'shaky.example', type: 'BPP' });
    await shaky.participant.serve(
      { status: async (_work, { body }) => void order.push(body.context.message_id) },
      hooks,
    );
    const [serve] = shaky.server.server.listeners('request') as ((...args: unknown[]) => void)[];
    shaky.server.server.removeAllListeners('request').on('request', (request, response) => {
      if (refusals-- > 0) response.writeHead(503).end('{}');
      else serve?.(request, response);
    });
    const transaction = newTransaction();
    const ids: string[] = [];
    for (let i = 0; i < 4; i++)
      ids.push(await bap.participant.transact((work) => work.send(statusTo(shaky, transaction))));
    await until('all there', () => order.length === 4);
    expect(order).to.deep.equal(ids);
  });

  it('does not let a hanging counterparty delay another', async () => {
    const hung = await network.peer({ id: 'hung.example', type: 'BPP' });
    hung.server.server.removeAllListeners('request').on('request', () => {});
    await bap.participant.transact(async (work) => {
      for (let i = 0; i < 20; i++) await work.send(statusTo(hung, newTransaction(), 1_500));
      for (let i = 0; i < 20; i++) await work.send(statusTo(bpp, newTransaction()));
    });
    await until('the others are served', () => requests.length === 20);
    expect(undelivered).to.have.length(0);
    hung.server.server.closeAllConnections();
    await until('the hanging ones are closed', () => undelivered.length === 20);
    expect(new Set(undelivered.map(({ to }) => to))).to.deep.equal(new Set(['hung.example']));
  });

  it('hands jobs and events over after the commit, and never for a rollback', async () => {
    const jobs: unknown[] = [];
    const events: unknown[] = [];
    await bap.participant.queue.process({ note: async (data) => void jobs.push(data) });
    await bap.context.engines.events.subscribe('notes', ({ value }) => void events.push(value));
    const write = (value: number, fail: boolean) =>
      bap.participant.transact(async (work) => {
        await work.enqueue({ name: 'note', id: `note-${value}`, data: value });
        await work.emit({ topic: 'notes', key: 'k', value });
        await work.audit({ event_type: 'note.written', rule_id: `note-${value}` });
        if (fail) throw new Error('rolled back');
      });
    await write(1, true).catch(() => {});
    await write(2, false);
    await until('both there', () => jobs.length > 0 && events.length > 0);
    await settled();
    expect([jobs, events]).to.deep.equal([[2], [2]]);
  });

  it('seals its records into a chain that shows a change', async () => {
    await bap.participant.audit.sealNow();
    const records = await bap.participant.audit.read({});
    expect(records.length).to.be.greaterThan(10);
    expect(verifyChain(records).valid).to.equal(true);
    await bpp.participant.audit.sealNow();
    for (const record of [...records, ...(await bpp.participant.audit.read({}))]) {
      expect(validateRecord('audit-record', record)).to.deep.equal({ valid: true });
    }
    expect(bap.participant.audit.oldestUnsealedAgeMs()).to.equal(0);
    const db = tablesOf(bap);
    const forge = sql`update audit_record set record = jsonb_set(record, '{decision}', '"forged"') where seq = 3`;
    const refused = await forge.execute(db).then(
      () => 'done',
      (error: Error) => error.message,
    );
    expect(refused).to.contain('append-only');
    expect(
      await sql`delete from audit_record`.execute(db).then(
        () => 'done',
        (error: Error) => error.message,
      ),
    ).to.contain('append-only');
    // Who owns the database can switch the guard off; the chain tells.
    await sql`alter table audit_record disable trigger audit_record_append_only`.execute(db);
    await forge.execute(db);
    const verdict = verifyChain((await bap.participant.audit.read({})) as AuditRecord[]);
    expect(verdict).to.include({ valid: false, seq: 3, reason: 'hash' });
    await sql`update audit_record set record = record - 'decision' where seq = 3`.execute(db);
    await sql`alter table audit_record enable trigger audit_record_append_only`.execute(db);
  });

  it('says within a second that it cannot store, and takes the message when it can', async () => {
    const slow = await network.peer({ id: 'slow.example', type: 'BPP' });
    await slow.participant.serve({ status: async () => {} }, hooks);
    expect((await send(bap, slow, 'status', statusBody(bap, slow))).status).to.equal(200);
    await settled();
    const body = statusBody(bap, slow);
    const refused = await tablesOf(slow)
      .transaction()
      .execute(() => send(bap, slow, 'status', body));
    expect([refused.status, refused.body.error?.code]).to.deep.equal([503, 'NET_DOWNSTREAM_UNAVAILABLE']);
    expect((await send(bap, slow, 'status', body)).status).to.equal(200);
  });

  it('hands a document to a subscribed asker and to nobody else', async () => {
    bpp.participant.answerDocument('/meters/:order', async ({ signerId, params }) =>
      params.order === 'mine' && signerId === 'bap.example'
        ? { bytes: Buffer.from('rows'), contentType: 'text/plain' }
        : undefined,
    );
    const bytes = await bap.participant.fetchDocument(bpp.config.subscriberId, '/meters/mine', 1_000);
    expect(Buffer.from(bytes).toString()).to.equal('rows');
    const failure = (path: string) =>
      bap.participant.fetchDocument(bpp.config.subscriberId, path, 1_000).then(
        () => 'fetched',
        (error: Error) => error.message,
      );
    expect(await failure('/meters/other')).to.contain('404');
    expect(await failure('/../health')).to.contain('leads away');
    expect((await fetch(`${bpp.config.url}/meters/mine`)).status).to.equal(401);
    const url = `${bpp.config.url}/meters/mine`;
    const statusFor = async (body: Uint8Array, keys = bap.config.keys) => {
      const authorization = sign(body, bap.config.subscriberId, keys);
      return (await fetch(url, { headers: { authorization } })).status;
    };
    expect(await statusFor(documentRequest(url)), 'the twin').to.equal(200);
    expect(await statusFor(documentRequest(url), newKeys())).to.equal(401);
  });

  it('SIG-11: hands a document to nobody who was sent the signature for another', async () => {
    bpp.participant.answerDocument('/notes/:name', async () => ({
      bytes: Buffer.from('x'),
      contentType: 'text/plain',
    }));
    const url = `${bpp.config.url}/notes/one`;
    const statusFor = async (signed: Uint8Array) => {
      const authorization = sign(signed, bap.config.subscriberId, bap.config.keys);
      return (await fetch(url, { headers: { authorization } })).status;
    };
    expect(await statusFor(documentRequest(url)), 'the twin').to.equal(200);
    for (const signed of [
      documentRequest('https://bpp-other.example/beckn/notes/one'),
      documentRequest(`${bpp.config.url}/notes/two`),
      documentRequest(`${url}?all`),
      Buffer.from(`POST ${url}`),
      new Uint8Array(),
    ])
      expect(await statusFor(signed), Buffer.from(signed).toString()).to.equal(401);
  });

  it('finishes after a restart what was acknowledged and what was to be sent', async function () {
    this.timeout(60_000);
    const handled: string[] = [];
    const old = await network.peer({ id: 'phoenix.example', type: 'BPP' });
    const body = statusBody(bap, old);
    await tablesOf(old)
      .insertInto('inbound_message')
      .values({
        signer: bap.config.subscriberId,
        action: 'status',
        message_id: body.context.message_id,
        sha256: '0'.repeat(64),
        transaction_id: body.context.transaction_id,
        body: JSON.stringify(body),
        signature: sign(Buffer.from(JSON.stringify(body)), bap.config.subscriberId, bap.config.keys),
        received_at: new Date(),
        state: 'stored',
        error: null,
      })
      .execute();
    // Not serving yet, so the message stays in the outbox as it would after a crash.
    const sent = await old.participant.transact((work) =>
      work.send({
        ...statusTo(bap, newTransaction()),
        action: 'on_status',
        toType: 'BAP',
        message: undefined,
        error: { code: '30010', message: 'late' },
      }),
    );
    await old.close();
    expect(answers).to.have.length(0);
    const port = Number(new URL(old.config.url).port);
    const reborn = await network.peer({
      id: 'phoenix.example',
      type: 'BPP',
      keys: old.config.keys,
      port,
      subscribe: false,
    });
    await reborn.participant.serve(
      { status: async (_work, message) => void handled.push(message.body.context.message_id) },
      hooks,
    );
    await until('both done', () => handled.length === 1 && answers.length === 1);
    expect([handled, answers.map((a) => a.body.context.message_id as string)]).to.deep.equal([
      [body.context.message_id],
      [sent],
    ]);
    await settled();
    await reborn.participant.audit.sealNow();
    expect(verifyChain(await reborn.participant.audit.read({})).valid).to.equal(true);
  });
});
