import { verifyChain } from '@flexder/protocol/audit/chain.ts';
import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import { documentRequest } from '@flexder/protocol/beckn/document-request.ts';
import { validateRecord } from '@flexder/schemas/validators.ts';
import { expect } from 'chai';
import { sql } from 'kysely';
import { send, sign, statusBody } from './testing/messages.ts';
import { newKeys } from './testing/network.ts';
import { newTransaction, statusTo, tablesOf, until, usePair } from './testing/pair.ts';

describe('what a participant keeps and hands out', () => {
  const pair = usePair();

  it('hands jobs and events over after the commit, and never for a rollback', async () => {
    const jobs: unknown[] = [];
    const events: unknown[] = [];
    await pair.bap.participant.queue.process({ note: async (data) => void jobs.push(data) });
    await pair.bap.context.engines.events.subscribe('notes', ({ value }) => void events.push(value));
    const write = (value: number, fail: boolean) =>
      pair.bap.participant.transact(async (work) => {
        await work.enqueue({ name: 'note', id: `note-${value}`, data: value });
        await work.emit({ topic: 'notes', key: 'k', value });
        await work.audit({ event_type: 'note.written', rule_id: `note-${value}` });
        if (fail) throw new Error('rolled back');
      });
    await write(1, true).catch(() => {});
    await write(2, false);
    await until('both there', () => jobs.length > 0 && events.length > 0);
    await pair.settled();
    expect([jobs, events]).to.deep.equal([[2], [2]]);
  });

  it('seals its records into a chain that shows a change', async () => {
    for (let i = 0; i < 11; i++)
      await pair.bap.participant.transact((work) => work.audit({ event_type: 'note.written', rule_id: `sealed-${i}` }));
    expect((await send(pair.bap, pair.bpp, 'status', statusBody(pair.bap, pair.bpp))).status).to.equal(200);
    await pair.settled();
    await pair.bap.participant.audit.sealNow();
    const records = await pair.bap.participant.audit.read({});
    expect(records.length).to.be.greaterThan(10);
    expect(verifyChain(records).valid).to.equal(true);
    await pair.bpp.participant.audit.sealNow();
    for (const record of [...records, ...(await pair.bpp.participant.audit.read({}))]) {
      expect(validateRecord('audit-record', record)).to.deep.equal({ valid: true });
    }
    expect(pair.bap.participant.audit.oldestUnsealedAgeMs()).to.equal(0);
    const db = tablesOf(pair.bap);
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
    const verdict = verifyChain((await pair.bap.participant.audit.read({})) as AuditRecord[]);
    expect(verdict).to.include({ valid: false, seq: 3, reason: 'hash' });
    await sql`update audit_record set record = record - 'decision' where seq = 3`.execute(db);
    await sql`alter table audit_record enable trigger audit_record_append_only`.execute(db);
  });

  it('says within a second that it cannot store, and takes the message when it can', async () => {
    const slow = await pair.network.peer({ id: 'slow.example', type: 'BPP' });
    await slow.participant.serve({ status: async () => {} }, pair.hooks);
    expect((await send(pair.bap, slow, 'status', statusBody(pair.bap, slow))).status).to.equal(200);
    await pair.settled();
    const body = statusBody(pair.bap, slow);
    const refused = await tablesOf(slow)
      .transaction()
      .execute(() => send(pair.bap, slow, 'status', body));
    expect([refused.status, refused.body.error?.code]).to.deep.equal([503, 'NET_DOWNSTREAM_UNAVAILABLE']);
    expect((await send(pair.bap, slow, 'status', body)).status).to.equal(200);
  });

  it('hands a document to a subscribed asker and to nobody else', async () => {
    pair.bpp.participant.answerDocument('/meters/:order', async ({ signerId, params }) =>
      params.order === 'mine' && signerId === 'bap.example'
        ? { bytes: Buffer.from('rows'), contentType: 'text/plain' }
        : undefined,
    );
    const bytes = await pair.bap.participant.fetchDocument(pair.bpp.config.subscriberId, '/meters/mine', 1_000);
    expect(Buffer.from(bytes).toString()).to.equal('rows');
    const failure = (path: string) =>
      pair.bap.participant.fetchDocument(pair.bpp.config.subscriberId, path, 1_000).then(
        () => 'fetched',
        (error: Error) => error.message,
      );
    expect(await failure('/meters/other')).to.contain('404');
    expect(await failure('/../health')).to.contain('leads away');
    expect((await fetch(`${pair.bpp.config.url}/meters/mine`)).status).to.equal(401);
    const url = `${pair.bpp.config.url}/meters/mine`;
    const statusFor = async (body: Uint8Array, keys = pair.bap.config.keys) => {
      const authorization = sign(body, pair.bap.config.subscriberId, keys);
      return (await fetch(url, { headers: { authorization } })).status;
    };
    expect(await statusFor(documentRequest(url)), 'the twin').to.equal(200);
    expect(await statusFor(documentRequest(url), newKeys())).to.equal(401);
  });

  it('SIG-11: hands a document to nobody who was sent the signature for another', async () => {
    pair.bpp.participant.answerDocument('/notes/:name', async () => ({
      bytes: Buffer.from('x'),
      contentType: 'text/plain',
    }));
    const url = `${pair.bpp.config.url}/notes/one`;
    const statusFor = async (signed: Uint8Array) => {
      const authorization = sign(signed, pair.bap.config.subscriberId, pair.bap.config.keys);
      return (await fetch(url, { headers: { authorization } })).status;
    };
    expect(await statusFor(documentRequest(url)), 'the twin').to.equal(200);
    for (const signed of [
      documentRequest('https://bpp-other.example/beckn/notes/one'),
      documentRequest(`${pair.bpp.config.url}/notes/two`),
      documentRequest(`${url}?all`),
      Buffer.from(`POST ${url}`),
      new Uint8Array(),
    ])
      expect(await statusFor(signed), Buffer.from(signed).toString()).to.equal(401);
  });

  it('finishes after a restart what was acknowledged and what was to be sent', async function () {
    this.timeout(60_000);
    const handled: string[] = [];
    const old = await pair.network.peer({ id: 'phoenix.example', type: 'BPP' });
    const body = statusBody(pair.bap, old);
    await tablesOf(old)
      .insertInto('inbound_message')
      .values({
        signer: pair.bap.config.subscriberId,
        action: 'status',
        message_id: body.context.message_id,
        sha256: '0'.repeat(64),
        transaction_id: body.context.transaction_id,
        body: JSON.stringify(body),
        signature: sign(Buffer.from(JSON.stringify(body)), pair.bap.config.subscriberId, pair.bap.config.keys),
        received_at: new Date(),
        state: 'stored',
        error: null,
      })
      .execute();
    // Not serving yet, so the message stays in the outbox as it would after a crash.
    const sent = await old.participant.transact((work) =>
      work.send({
        ...statusTo(pair.bap, newTransaction()),
        action: 'on_status',
        toType: 'BAP',
        message: undefined,
        error: { code: '30010', message: 'late' },
      }),
    );
    await old.close();
    expect(pair.answers).to.have.length(0);
    const port = Number(new URL(old.config.url).port);
    const reborn = await pair.network.peer({
      id: 'phoenix.example',
      type: 'BPP',
      keys: old.config.keys,
      port,
      subscribe: false,
    });
    await reborn.participant.serve(
      { status: async (_work, message) => void handled.push(message.body.context.message_id) },
      pair.hooks,
    );
    await until('both done', () => handled.length === 1 && pair.answers.length === 1);
    expect([handled, pair.answers.map((a) => a.body.context.message_id as string)]).to.deep.equal([
      [body.context.message_id],
      [sent],
    ]);
    await pair.settled();
    await reborn.participant.audit.sealNow();
    expect(verifyChain(await reborn.participant.audit.read({})).valid).to.equal(true);
  });
});
