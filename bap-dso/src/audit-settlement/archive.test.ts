import { ArchiveConflictError } from '@flexder/runtime/engines/archive/port.ts';
import { createShipper } from '@flexder/runtime/participant/archive/shipper.ts';
import type { ParticipantTables } from '@flexder/runtime/participant/tables.ts';
import { rewriteChain, tamper } from '@flexder/runtime/testing/rewrite.ts';
import { expect } from 'chai';
import type { Kysely } from 'kysely';
import { archiveWitness } from './archive.ts';
import { verifyAudit } from './audit/verify.ts';
import { bapTables } from './deps.ts';
import { sha256 } from './digest.ts';
import { DSO, type Opened, opened, seedOrder } from './fixtures/opened.ts';
import { meterDocument } from './fixtures/worked-example.ts';
import { settlementCsv } from './reports/csv.ts';
import { loadSettlementRows, settlementReport } from './reports/report.ts';
import { settleOrder } from './settlement/settle.ts';

/** Asks again until it is so, at most for as long as the test may last. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

const CHECKPOINTS = `${DSO}/audit/checkpoints/`;

describe('what settlement leaves in the archive', () => {
  let dso: Opened;
  const own = () => dso.db as unknown as Kysely<ParticipantTables>;
  const archive = () => dso.context.engines.archive;
  const read = async (key: string) => Buffer.from((await archive().get(key)) ?? []).toString();
  before(async () => {
    dso = await opened();
  });
  after(() => dso.close());
  beforeEach(async () => {
    await dso.reset();
    const bytes = Buffer.from(JSON.stringify(meterDocument()));
    dso.documents.set('/meter/obp-1', bytes);
    await seedOrder(dso.db, { sha256: sha256(bytes) });
  });

  const verify = () => {
    const trust = { subscriberId: DSO, keyOf: (keyId: string) => dso.participant.publicKeyOf(keyId) };
    return verifyAudit(own(), archiveWitness(own(), archive(), trust));
  };

  it('is each revision as CSV and JSON with their hashes, as the export has them', async () => {
    await settleOrder(dso, 'obp-1');
    await settleOrder(dso, 'obp-1');
    await dso.archived();
    const base = `${DSO}/settlement/obp-1/revision-0001`;
    expect(await archive().list(`${DSO}/settlement/`)).to.deep.equal([`${base}.csv`, `${base}.json`, `${base}.sha256`]);
    const rows = await loadSettlementRows(bapTables(dso), { obpId: 'obp-1' });
    expect(await read(`${base}.csv`)).to.equal(settlementCsv(rows));
    expect(JSON.parse(await read(`${base}.json`))).to.deep.equal(settlementReport(rows, { obpId: 'obp-1' }));
    const sums = await Promise.all(
      ['csv', 'json'].map(async (end) => `${sha256(await read(`${base}.${end}`))}  revision-0001.${end}\n`),
    );
    expect(await read(`${base}.sha256`)).to.equal(sums.join(''));
  });

  it('is a checkpoint of the records of the settlement', async () => {
    await settleOrder(dso, 'obp-1');
    await dso.archived();
    expect(await archive().list(CHECKPOINTS)).to.deep.equal([`${CHECKPOINTS}000000000000003.json`]);
    const verdict = await verify();
    expect(verdict).to.deep.include({ valid: true, records: 3, checkpointFaults: [] });
    expect(verdict.checkpoints).to.deep.equal({ verified: 1, toSeq: 3 });
    // Again adds no record, so there is nothing to check.
    await dso.participant.audit.checkpointNow();
    await dso.archived();
    expect(await archive().list(CHECKPOINTS)).to.have.length(1);
  });

  describe('while the archive is away', () => {
    /** The archive as the services see it, failing until told otherwise. */
    function interrupt(failure: Error) {
      const engines = dso.context.engines as { archive: ReturnType<typeof archive> };
      const real = engines.archive;
      engines.archive = { ...real, put: () => Promise.reject(failure) };
      return () => {
        engines.archive = real;
      };
    }

    it('delays nothing, loses nothing, and shows its age', async () => {
      expect(await dso.participant.archiveBacklog()).to.deep.equal({ waiting: 0, oldestAgeMs: 0, refused: 0 });
      const restore = interrupt(new Error('connect ECONNREFUSED'));
      const failures = dso.context.metrics.total('archive_failures');
      expect(await settleOrder(dso, 'obp-1')).to.include({ outcome: 'computed' });
      await dso.archived();
      const away = await dso.participant.archiveBacklog();
      expect(away).to.include({ waiting: 4, refused: 0 });
      expect(away.oldestAgeMs).to.be.at.least(0);
      expect(dso.context.metrics.total('archive_failures')).to.be.above(failures);
      expect(await archive().list('')).to.deep.equal([]);
      restore();
      // By itself, some time later.
      await until(async () => (await dso.participant.archiveBacklog()).waiting === 0);
      expect(await archive().list('')).to.have.length(4);
      expect(await verify()).to.include({ valid: true, records: 3 });
    });

    it('leaves what waits to the next start', async () => {
      const restore = interrupt(new Error('connect ECONNREFUSED'));
      await settleOrder(dso, 'obp-1');
      await dso.archived();
      restore();
      const shipper = createShipper({ context: dso.context, db: own(), subscriberId: DSO });
      await shipper.flush();
      shipper.close();
      expect(await archive().list('')).to.have.length(4);
    });

    it('an object it does not take holds up no other, and stays in the database', async () => {
      const restore = interrupt(new ArchiveConflictError('other content'));
      await settleOrder(dso, 'obp-1');
      await dso.archived();
      restore();
      expect(await dso.participant.archiveBacklog()).to.deep.equal({ waiting: 0, oldestAgeMs: 0, refused: 4 });
      const kept = await own().selectFrom('archive_entry').select(['content', 'error']).execute();
      expect(kept.every(({ content, error }) => content !== null && error === 'other content')).to.equal(true);
      await dso.participant.transact(async (work) => work.archive({ key: 'after', text: 'x' }));
      await dso.archived();
      expect(await archive().list('')).to.deep.equal([`${DSO}/after`]);
    });
  });

  it('is a checkpoint of every thousand records, which do not wait for the next in time', async () => {
    await dso.participant.transact(async (work) => {
      for (let count = 0; count < 1_001; count++) await work.audit({ event_type: 'overload.detected' });
    });
    await dso.participant.audit.sealNow();
    await until(async () => (await archive().list(CHECKPOINTS)).length > 0);
    expect((await archive().list(CHECKPOINTS))[0]).to.equal(`${CHECKPOINTS}000000000001000.json`);
    await dso.participant.audit.checkpointNow();
    await dso.archived();
    expect(await verify()).to.deep.include({ valid: true, records: 1_001, checkpoints: { verified: 2, toSeq: 1_001 } });
  });

  it('leaves with its transaction, or not at all', async () => {
    const failed = await dso.participant
      .transact(async (work) => {
        await work.archive({ key: 'never', text: 'x' });
        throw new Error('rolled back');
      })
      .catch((error: Error) => error.message);
    expect(failed).to.equal('rolled back');
    await dso.archived();
    expect(await archive().list('')).to.deep.equal([]);
  });

  describe('shows what the chain alone cannot', () => {
    beforeEach(async () => {
      await settleOrder(dso, 'obp-1');
      await dso.participant.transact(async (work) => work.audit({ event_type: 'overload.detected', decision: 'a' }));
      await dso.participant.audit.checkpointNow();
      await dso.participant.transact(async (work) => work.audit({ event_type: 'overload.detected', decision: 'b' }));
      await dso.participant.audit.sealNow();
      await dso.archived();
    });

    it('whole: a record after the last checkpoint included', async () => {
      const verdict = await verify();
      expect(verdict).to.include({ valid: true, records: 5 });
      expect(verdict.checkpoints).to.deep.equal({ verified: 2, toSeq: 4 });
    });

    it('a record rewritten with all that follows it', async () => {
      await rewriteChain(own(), 2, (record) => ({ ...record, decision: 'payment £900' }));
      expect(await verifyAudit(own())).to.include({ valid: true, records: 5 });
      const verdict = await verify();
      expect(verdict).to.include({ valid: false, seq: 2, reason: 'checkpoint' });
      expect(verdict).to.include({ checkpoint: `${CHECKPOINTS}000000000000003.json` });
      expect(verdict).to.nested.include({ 'found.event_type': 'settlement.computed' });
    });

    it('a record taken out, with all that follows it moved up', async () => {
      await rewriteChain(own(), 4, () => undefined);
      expect(await verifyAudit(own())).to.include({ valid: true, records: 4 });
      expect(await verify()).to.include({
        valid: false,
        seq: 4,
        reason: 'checkpoint',
        checkpoint: `${CHECKPOINTS}000000000000004.json`,
      });
    });

    it('an end that was cut off', async () => {
      await tamper(own(), (db) => db.deleteFrom('audit_record').where('seq', '>=', '3').execute());
      expect(await verifyAudit(own())).to.include({ valid: true, records: 2 });
      expect(await verify()).to.include({
        valid: false,
        seq: 3,
        reason: 'truncated',
        checkpoint: `${CHECKPOINTS}000000000000003.json`,
      });
    });

    it('a record rewritten before one that breaks the chain', async () => {
      await rewriteChain(own(), 2, (record) => ({ ...record, decision: 'payment £900' }));
      await tamper(own(), (db) => db.updateTable('audit_record').set({ hash: 'x' }).where('seq', '=', '5').execute());
      expect(await verify()).to.include({ valid: false, seq: 2, reason: 'checkpoint' });
    });

    /** The archive with one object gone, or other. */
    async function verifyWith(key: string, bytes: Uint8Array | undefined) {
      const real = archive();
      const spoilt = {
        get: async (asked: string) => (asked === key ? bytes : real.get(asked)),
        list: async (prefix: string) => (await real.list(prefix)).filter((listed) => bytes || listed !== key),
      };
      const trust = { subscriberId: DSO, keyOf: (keyId: string) => dso.participant.publicKeyOf(keyId) };
      return verifyAudit(own(), archiveWitness(own(), spoilt, trust));
    }

    for (const [name, seq] of [
      ['000000000000003', 1],
      ['000000000000004', 4],
    ] as const) {
      it(`a checkpoint that is gone: ${name}`, async () => {
        const key = `${CHECKPOINTS}${name}.json`;
        expect(await verifyWith(key, await archive().get(key))).to.include({ valid: true });
        const verdict = await verifyWith(key, undefined);
        expect(verdict).to.include({ valid: false, seq, reason: 'checkpoint-missing', checkpoint: key });
      });
    }

    it('a checkpoint that was altered', async () => {
      const key = `${CHECKPOINTS}000000000000004.json`;
      const altered = Buffer.from((await read(key)).replace(/"ts_utc":"20/, '"ts_utc":"19'));
      const verdict = await verifyWith(key, altered);
      expect(verdict).to.include({ valid: false, seq: 4, reason: 'checkpoint-altered', checkpoint: key });
      expect(verdict).to.have.property('detail').that.contains('signature does not hold');
    });

    it('a checkpoint that the database knows nothing of any more', async () => {
      await own().deleteFrom('audit_checkpoint').execute();
      await own().deleteFrom('archive_entry').execute();
      expect((await verify()).checkpoints).to.deep.equal({ verified: 2, toSeq: 4 });
    });
  });

  it('is no checkpoint over a gap in the chain', async () => {
    await dso.participant.transact(async (work) => work.audit({ event_type: 'overload.detected', decision: 'a' }));
    await dso.participant.transact(async (work) => work.audit({ event_type: 'overload.detected', decision: 'b' }));
    await dso.participant.audit.sealNow();
    await tamper(own(), (db) => db.deleteFrom('audit_record').where('seq', '=', '1').execute());
    const error = await dso.participant.audit.checkpointNow().catch((reason: Error) => reason);
    expect(error).to.have.property('message').that.contains('record 1 is missing from the audit chain');
    await dso.archived();
    expect(await archive().list('')).to.deep.equal([]);
  });
});
