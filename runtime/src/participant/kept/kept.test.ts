/** Messages as they were on the wire: what is kept of them, and whether their signatures hold. */
import { createHash } from 'node:crypto';
import type { AuditEntry } from '@flexder/protocol/audit/record.ts';
import type { KeyId, SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { generateKeys } from '@flexder/protocol/beckn/keys.ts';
import { digestHeader, signMessage } from '@flexder/protocol/beckn/signature.ts';
import { expect } from 'chai';
import type { Kysely } from 'kysely';
import type { Context } from '../../context.ts';
import { openPglite } from '../../engines/database/pglite.ts';
import type { DatabaseEngine } from '../../engines/database/port.ts';
import { createMetrics } from '../../metrics.ts';
import { testDeps } from '../../testing/quiet.ts';
import { prune } from '../housekeeping.ts';
import { createRejectionLog } from '../inbound/rejections.ts';
import { remember } from '../inbound/store.ts';
import { INBOUND_KEPT_MS, REFUSED_KEPT_OF_TRANSACTION } from '../limits.ts';
import { type ParticipantTables, participantMigrations } from '../open.ts';
import { createMarks } from '../outbox/marks.ts';
import type { WireHeaders } from '../tables.ts';
import { findKept } from './find.ts';
import { verifyKept } from './verify.ts';

const AT_MS = Date.parse('2026-01-15T18:30:00.250Z');
const keys = generateKeys();

function message(messageId: string, transactionId = 'transaction-1') {
  const context = { transaction_id: transactionId, message_id: messageId };
  // Not as JSON.stringify would have it: only the bytes themselves will do.
  return Buffer.from(`{ "context": ${JSON.stringify(context)},\n "message": {"price":1.0} }`);
}

function wire(body: Buffer, subscriberId = 'bpp.example'): WireHeaders {
  const createdS = Math.floor(AT_MS / 1000);
  const times = { createdS, expiresS: createdS + 30 };
  const authorization = signMessage({ body, subscriberId, keyId: 'key-1', seed: keys.signingSeed, ...times });
  return { authorization, digest: digestHeader(body) };
}

const sha256Of = (body: Buffer) => createHash('sha256').update(body).digest('hex');

describe('messages that are kept as they were on the wire', () => {
  const deps = testDeps();
  let engine: DatabaseEngine;
  let db: Kysely<ParticipantTables>;
  before(async () => {
    engine = await openPglite({ location: 'memory', ...deps });
    db = await engine.open<ParticipantTables>('kept.example', participantMigrations);
  });
  after(() => engine?.close());

  const record = (more: Partial<AuditEntry>): AuditEntry => ({
    ts_utc: new Date(AT_MS).toISOString(),
    event_type: 'beckn.received',
    actor_id: 'bap.example',
    actor_role: 'BAP',
    counterparty_id: 'bpp.example',
    beckn_action: 'on_select',
    transaction_id: 'transaction-1',
    ...more,
  });

  async function receive(messageId: string): Promise<Buffer> {
    const raw = message(messageId);
    const accepted = {
      action: 'on_select' as const,
      signerId: 'bpp.example' as SubscriberId,
      body: JSON.parse(raw.toString()),
      raw,
      sha256: sha256Of(raw),
      signature: { keyId: 'key-1' as KeyId, value: 'x', publicKey: keys.signingPublicKey },
      receivedAtMs: AT_MS,
    };
    expect(await remember(db, deps.wall, accepted, wire(raw))).to.equal('new');
    return raw;
  }

  it('one that was received is given back byte by byte, with its headers and the key that it was verified with', async () => {
    const raw = await receive('in-1');
    const kept = (await findKept(db, record({ message_id: 'in-1' })))!;
    expect(kept.body.equals(raw)).to.equal(true);
    expect(kept.headers).to.deep.equal(wire(raw));
    expect([kept.publicKey, kept.atMs]).to.deep.equal([keys.signingPublicKey, AT_MS]);
    const told = record({ message_id: 'in-1', payload_sha256: sha256Of(raw) });
    expect(verifyKept(kept, told, kept.publicKey)).to.deep.include({ verified: true });
    expect(await findKept(db, record({ message_id: 'in-2' }))).to.equal(undefined);
  });

  it('bytes that were changed in the database verify no more, by the record and by the signature', async () => {
    const raw = await receive('in-3');
    const told = record({ message_id: 'in-3', payload_sha256: sha256Of(raw) });
    const changed = raw.toString().replace('1.0', '2.0');
    await db.updateTable('inbound_message').set({ body: changed }).where('message_id', '=', 'in-3').execute();
    const kept = (await findKept(db, told))!;
    const failed = ({ checks }: ReturnType<typeof verifyKept>) =>
      checks.filter(({ holds }) => !holds).map(({ what }) => what);
    expect(failed(verifyKept(kept, told, kept.publicKey))).to.deep.equal(['record', 'digest']);
    // Who changes its Digest, too, still has not the key.
    const redone = { ...kept, headers: { ...kept.headers, digest: digestHeader(kept.body) } };
    expect(failed(verifyKept(redone, told, kept.publicKey))).to.deep.equal(['record', 'signature']);
  });

  it('names what else is wrong: no key, another key, another time, no signature', async () => {
    const raw = message('in-4');
    const kept = { body: raw, headers: wire(raw), atMs: AT_MS };
    const last = (...of: Parameters<typeof verifyKept>) => {
      const { verified, checks } = verifyKept(...of);
      return [verified, checks.at(-1)?.what];
    };
    const told = record({});
    expect(last(kept, told, keys.signingPublicKey)).to.deep.equal([true, 'time']);
    expect(last(kept, told, undefined)).to.deep.equal([false, 'key']);
    expect(last(kept, told, generateKeys().signingPublicKey)).to.deep.equal([false, 'signature']);
    expect(last({ ...kept, atMs: AT_MS + 31_000 }, told, keys.signingPublicKey)).to.deep.equal([false, 'time']);
    expect(last({ ...kept, headers: {} }, told, keys.signingPublicKey)).to.deep.equal([false, 'header']);
  });

  it('one that was sent has the headers of its last attempt, once it is delivered', async () => {
    const raw = message('out-1');
    const payload = { to: 'bpp.example', action: 'select', transactionId: 'transaction-1', text: raw.toString() };
    const row = { id: 'row-1', kind: 'message' as const, payload: JSON.stringify(payload), created: new Date(AT_MS) };
    await db.insertInto('outbox').values(row).execute();
    const sent = record({ event_type: 'beckn.sent', beckn_action: 'select', message_id: 'out-1' });
    expect(await findKept(db, sent)).to.deep.equal({ body: raw, headers: {}, atMs: null });
    const marks = createMarks(db, deps.wall, deps.log);
    const headers = wire(raw, 'bap.example');
    marks.done(['row-1'], { headers, atMs: AT_MS });
    await marks.close();
    const kept = (await findKept(db, sent))!;
    expect([kept.headers, kept.atMs]).to.deep.equal([headers, AT_MS]);
    expect(verifyKept(kept, sent, keys.signingPublicKey).verified).to.equal(true);
  });

  describe('one that was refused', () => {
    const context = { ...deps, grid: deps.wall, metrics: createMetrics('test') } as unknown as Context;
    const refuse = async (body: Buffer) => {
      const log = createRejectionLog(context, { subscriberId: 'bap.example', type: 'BAP' }, db, () => {});
      const exchange = { body, headers: { authorization: 'Signature forged' } };
      await log.record({ action: 'on_select', code: 'AUT_SIGNATURE_INVALID', reason: 'header', text: 'no', exchange });
      const { record } = await db
        .selectFrom('audit_record')
        .select('record')
        .orderBy('id', 'desc')
        .limit(1)
        .executeTakeFirstOrThrow();
      return record as AuditEntry;
    };

    it('is kept, with its record, under the transaction that it names', async () => {
      const body = message('in-5');
      const told = await refuse(body);
      const names = { transaction_id: 'transaction-1', message_id: 'in-5', payload_sha256: sha256Of(body) };
      expect(told).to.include({ event_type: 'beckn.rejected', ...names });
      const kept = (await findKept(db, told))!;
      expect(kept.body.equals(body)).to.equal(true);
      const { verified, checks } = verifyKept(kept, told, undefined);
      expect([verified, checks.map(({ what, holds }) => [what, holds])]).to.deep.equal([
        false,
        [
          ['record', true],
          ['header', false],
        ],
      ]);
    });

    it('adds nothing to a transaction that is none of ours, and no more than a few to one that is', async () => {
      const foreign = await refuse(message('in-6', 'made-up'));
      expect(foreign).to.not.have.any.keys('transaction_id', 'payload_sha256');
      expect(await refuse(Buffer.from([0xff, 0xfe]))).to.not.have.property('transaction_id');
      for (let i = 0; i <= REFUSED_KEPT_OF_TRANSACTION; i++) await refuse(message(`flood-${i}`));
      const rows = await db.selectFrom('refused_message').select('transaction_id').execute();
      expect(rows).to.have.lengthOf(REFUSED_KEPT_OF_TRANSACTION);
      expect(rows.every((row) => row.transaction_id === 'transaction-1')).to.equal(true);
    });

    it('goes when those that were received go', async () => {
      const count = async () => (await db.selectFrom('refused_message').select('sha256').execute()).length;
      const nowMs = deps.wall.nowMs();
      await prune(db, nowMs + INBOUND_KEPT_MS - 60_000);
      expect(await count()).to.be.above(0);
      await prune(db, nowMs + INBOUND_KEPT_MS + 60_000);
      expect(await count()).to.equal(0);
    });
  });
});
