import { checkBundle } from '@flexder/protocol/audit/bundle-check.ts';
import type { ParticipantTables } from '@flexder/runtime/participant/tables.ts';
import { tamper } from '@flexder/runtime/testing/rewrite.ts';
import type { AuditBundle } from '@flexder/schemas/types.ts';
import { validateRecord } from '@flexder/schemas/validators.ts';
import { expect } from 'chai';
import type { Kysely } from 'kysely';
import { sha256 } from '../digest.ts';
import { DSO, type Opened, opened, seedOrder } from '../fixtures/opened.ts';
import { meterDocument } from '../fixtures/worked-example.ts';
import { settleOrder } from '../settlement/settle.ts';
import { auditBundle, BundleError, type BundleSource } from './bundle.ts';
import { bundleKey, type RegistryAnswer } from './bundle-keys.ts';

const NOW_MS = Date.parse('2026-01-16T09:00:00Z');

describe('the evidence of an order', () => {
  let dso: Opened;
  before(async () => {
    dso = await opened();
  });
  after(() => dso.close());
  beforeEach(async () => {
    await dso.reset();
    const bytes = Buffer.from(JSON.stringify(meterDocument()));
    dso.documents.set('/meter/obp-1', bytes);
    await seedOrder(dso.db, { sha256: sha256(bytes) });
    await note({ event_id: 'event-1', feeder_id: 'feeder-1' });
    await note({ event_id: 'event-1', obp_id: 'obp-2' });
    await note({ event_id: 'event-2' });
    await settleOrder(dso, 'obp-1');
    await dso.archived();
  });

  const note = (members: { event_id: string; feeder_id?: string; obp_id?: string }) =>
    dso.participant.transact(async (work) => work.audit({ event_type: 'overload.detected', ...members }));

  const answer = (signingPublicKey: string): RegistryAnswer => ({
    registry: 'https://registry.example.org',
    retrievedAtMs: NOW_MS,
    entries: [
      {
        subscriberId: DSO,
        keyId: 'key-1',
        type: 'BAP',
        url: 'https://dso.example.org',
        signingPublicKey,
        validFromMs: Date.parse('2020-01-01T00:00:00Z'),
        validUntilMs: Date.parse('2100-01-01T00:00:00Z'),
        status: 'SUBSCRIBED',
      },
    ],
  });

  function source(more: Partial<BundleSource> = {}): BundleSource {
    const own = (keyId: string) => dso.participant.publicKeyOf(keyId);
    return {
      db: dso.db,
      archive: dso.context.engines.archive,
      subscriberId: DSO,
      nowMs: NOW_MS,
      keyOf: async (keyId) => bundleKey(keyId, own(keyId), answer(own('key-1') ?? '')),
      ...more,
    };
  }
  const checked = (bundle: AuditBundle | undefined) => checkBundle(Buffer.from(JSON.stringify(bundle)));
  const seqs = (bundle: AuditBundle | undefined) => bundle?.records.map(({ record }) => record.seq);

  it('is its records and those of its event, under the checkpoints they are in', async () => {
    const bundle = await auditBundle(source(), 'obp-1', 'order');
    expect(validateRecord('audit-bundle', bundle)).to.deep.equal({ valid: true });
    expect(bundle).to.include({ subscriber_id: DSO, event_id: 'event-1', unsealed: 0 });
    expect(seqs(bundle)).to.deep.equal([1, 4, 5, 6]);
    expect(checked(bundle)).to.deep.include({ valid: true, records: 4, checkpointed: 4 });
    expect(checked(bundle)).to.have.nested.property('keys[0].tie', 'registry');
  });

  it('takes in the other orders of the event when asked', async () => {
    const bundle = await auditBundle(source(), 'obp-1', 'event');
    expect(seqs(bundle)).to.deep.equal([1, 2, 4, 5, 6]);
    expect(checked(bundle)).to.include({ valid: true });
  });

  it('says which records have no checkpoint yet, and how many no place in the chain', async () => {
    await note({ event_id: 'event-1' });
    await dso.participant.audit.sealNow();
    await dso.participant.transact(async (work) => work.audit({ event_type: 'order.changed', obp_id: 'obp-1' }));
    const bundle = await auditBundle(source(), 'obp-1', 'order');
    expect(bundle?.records.at(-1)).to.include({ state: 'not yet checkpointed', checkpoint: null });
    expect(bundle?.unsealed).to.equal(1);
    expect(checked(bundle)).to.include({ valid: true, checkpointed: 4, notYetCheckpointed: 1 });
  });

  it('uses a checkpoint that is still on its way to the archive', async () => {
    const engines = dso.context.engines as { archive: BundleSource['archive'] };
    const real = engines.archive;
    engines.archive = { ...real, put: () => Promise.reject(new Error('away')) } as BundleSource['archive'];
    await note({ event_id: 'event-1' });
    await dso.participant.audit.checkpointNow();
    await dso.archived();
    const bundle = await auditBundle(source(), 'obp-1', 'order');
    engines.archive = real;
    expect(bundle?.checkpoints).to.have.length(2);
    expect(checked(bundle)).to.include({ valid: true, notYetCheckpointed: 0 });
  });

  it('finds the checkpoints in the archive when the database has forgotten them', async () => {
    const whole = await auditBundle(source(), 'obp-1', 'order');
    await dso.db.deleteFrom('audit_checkpoint').execute();
    expect(await auditBundle(source(), 'obp-1', 'order')).to.deep.equal(whole);
  });

  it('does not pass a lost checkpoint off as one to come', async () => {
    const { archive } = dso.context.engines;
    const lossy = { get: async () => undefined, list: archive.list };
    const error = await auditBundle(source({ archive: lossy }), 'obp-1', 'order').catch((failure) => failure);
    expect(error).to.be.instanceOf(BundleError);
    expect(error.message).to.contain('is missing or damaged: run `flexder audit verify`');
  });

  it('is not made without the key that signed', async () => {
    const error = await auditBundle(source({ keyOf: async () => undefined }), 'obp-1', 'order').catch((e) => e);
    expect(error).to.be.instanceOf(BundleError);
    expect(error.message).to.contain('the key key-1 signed a checkpoint');
  });

  it('takes a key that we have forgotten from the registry, and says when it was not asked', () => {
    const key = dso.participant.publicKeyOf('key-1') ?? '';
    expect(bundleKey('key-1', undefined, answer(key))).to.include({ public_key: key });
    expect(bundleKey('key-1', key, 'not asked')).to.include({ public_key: key, registry: null, note: 'not asked' });
    expect(bundleKey('key-2', key, answer(key))?.note).to.contain('has no entry of this key');
    expect(bundleKey('key-2', undefined, answer(key))).to.equal(undefined);
  });

  it('is nothing for an order that no record names', async () => {
    expect(await auditBundle(source(), 'obp-9', 'order')).to.equal(undefined);
  });

  it('shows a record that was altered in the database', async () => {
    const [first] = await dso.participant.audit.read({ limit: 1 });
    const record = JSON.stringify({ ...first, decision: 'x' });
    const own = dso.db as unknown as Kysely<ParticipantTables>;
    await tamper(own, (db) => db.updateTable('audit_record').set({ record }).where('seq', '=', '1').execute());
    expect(checked(await auditBundle(source(), 'obp-1', 'order'))).to.include({ valid: false, reason: 'record' });
  });
});
