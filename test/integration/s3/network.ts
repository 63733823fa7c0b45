/** A network whose archive is the bucket: what it leaves there, and what that shows afterwards. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrations } from '@flexder/bap-dso/migrations.ts';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import type { Archive } from '@flexder/runtime/engines/archive/port.ts';
import { s3Archive } from '@flexder/runtime/engines/archive/s3.ts';
import { openPglite } from '@flexder/runtime/engines/database/pglite.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { type ParticipantTables, participantMigrations } from '@flexder/runtime/participant/open.ts';
import { rewriteChain } from '@flexder/runtime/testing/rewrite.ts';
import type { S3Server } from '@flexder/runtime/testing/s3.ts';
import { DSO_ID } from '@flexder/sandbox/network/ids.ts';
import type { AuditCheckpoint } from '@flexder/schemas/types.ts';
import { validateRecord } from '@flexder/schemas/validators.ts';
import { expect } from 'chai';
import type { Kysely } from 'kysely';
import { flexder } from '../../cli/flexder.ts';
import { TestNetwork } from '../../harness/network.ts';
import { text } from './client.ts';

const MINUTE_MS = 60_000;
const wall = systemWallClock();

interface Verdict {
  readonly valid: boolean;
  readonly records: number;
  readonly seq: number;
  readonly reason: string;
  readonly checkpoint: string;
  readonly found: { readonly event_type: string };
  readonly checkpoints: { readonly verified: number; readonly toSeq: number };
}

/** Works on the DSO's tables in the folder of a network that has ended. */
async function withTables(dataDir: string, work: (db: Kysely<ParticipantTables>) => Promise<unknown>): Promise<void> {
  const location = join(dataDir, 'database');
  const engine = await openPglite({ location, wall, log: createLogger('test', 'silent') });
  await work(await engine.open<ParticipantTables>(DSO_ID, { ...participantMigrations, ...migrations }));
  await engine.close();
}

export function networkTests(started: () => S3Server): void {
  let dataDir: string;
  let archiveUrl: string;
  let archive: Archive;
  let orders: number;
  before(async () => {
    const server = started();
    dataDir = mkdtempSync(join(tmpdir(), 'flexder-s3-network-'));
    archiveUrl = server.url();
    const net = await TestNetwork.create({
      ...{ ders: 24, dataDir, databaseUrl: 'pglite:database' },
      ...{ archiveUrl, archiveAccess: server.access() },
    });
    for (let minute = 0; minute < 2; minute++) await net.advance(MINUTE_MS);
    net.feeder.push();
    await net.advance(MINUTE_MS);
    net.feeder.relax();
    for (let i = 0; i < 24; i++) await net.advance(5 * MINUTE_MS);
    orders = (await net.api<{ orders: number }>('/api/v1/summary')).orders;
    const { dependencies } = await net.bap.health();
    expect(dependencies.archive).to.include({ ok: true });
    await net.close();
    archive = await s3Archive(archiveUrl, server.access({ retentionDays: undefined }), { wall });
  });
  after(async () => {
    await archive?.close();
    if (dataDir) rmSync(dataDir, { recursive: true, force: true });
  });

  const verify = (...more: string[]) => {
    const { accessKeyId, secretAccessKey } = started();
    const { code, out, err } = flexder(['audit', 'verify', '--data', dataDir, '--archive', archiveUrl, ...more], '', {
      FLEXDER_ARCHIVE_ACCESS_KEY_ID: accessKeyId,
      FLEXDER_ARCHIVE_SECRET_ACCESS_KEY: secretAccessKey,
    });
    expect(`${out}${err}`).to.not.contain(secretAccessKey);
    return { code, err, verdict: JSON.parse(out || '{}') as Verdict };
  };

  it('checkpoints of every participant and settlement files with their hashes are in the bucket', async () => {
    for (const subscriber of [DSO_ID, 'aggregator-1', 'aggregator-2', 'gateway-1']) {
      const keys = await archive.list(`${subscriber}/audit/checkpoints/`);
      expect(keys, subscriber).to.not.deep.equal([]);
      const checkpoints = await Promise.all(
        keys.map(async (key) => JSON.parse(text(await archive.get(key)) ?? '') as AuditCheckpoint),
      );
      for (const [index, checkpoint] of checkpoints.entries()) {
        expect(validateRecord('audit-checkpoint', checkpoint)).to.deep.equal({ valid: true });
        expect(checkpoint.first_seq).to.equal((checkpoints[index - 1]?.last_seq ?? 0) + 1);
      }
    }
    const files = await archive.list(`${DSO_ID}/settlement/`);
    expect(files.filter((key) => key.endsWith('/revision-0001.sha256'))).to.have.length(orders).and.not.be.empty;
    for (const sums of files.filter((key) => key.endsWith('.sha256'))) {
      const lines = (text(await archive.get(sums)) ?? '').trimEnd().split('\n');
      expect(lines).to.have.length(2);
      for (const line of lines) {
        const [sha256, name] = line.split('  ');
        const file = await archive.get(join(sums, '..', name!));
        expect(createHash('sha256').update(file!).digest('hex')).to.equal(sha256);
      }
    }
  });

  it('the record is verified against it', () => {
    const { code, err, verdict } = verify();
    expect(code, err).to.equal(0);
    expect(verdict).to.include({ valid: true });
    expect(verdict.checkpoints.toSeq).to.equal(verdict.records).and.to.be.above(0);
    expect(err).to.contain('The checkpoints in the archive agree');
  });

  it('asks for what it needs, and says so', () => {
    const wrong = verify('--public-key', Buffer.alloc(32, 1).toString('base64'));
    expect(wrong.code).to.equal(1);
    expect(wrong.verdict.reason).to.equal('checkpoint-altered');
    const none = flexder(['audit', 'verify', '--data', dataDir, '--archive', 's3://bucket']);
    expect(none.code).to.equal(2);
    expect(none.err).to.contain('--archive: without an endpoint it must have ?region=REGION');
  });

  it('a record altered with the whole chain after it, which the chain alone cannot see, is named', async () => {
    const seq = 9;
    await withTables(dataDir, (db) => rewriteChain(db, seq, (record) => ({ ...record, decision: 'nothing happened' })));
    const alone = flexder(['audit', 'verify', '--data', dataDir]);
    expect(JSON.parse(alone.out), alone.err).to.include({ reason: 'checkpoint-missing' });
    const { code, err, verdict } = verify();
    expect(code).to.equal(1);
    expect(verdict).to.include({ valid: false, seq, reason: 'checkpoint' });
    expect(verdict.checkpoint).to.match(new RegExp(`^${DSO_ID}/audit/checkpoints/\\d{15}\\.json$`));
    expect(err).to.contain(`the first broken record is ${seq} (checkpoint)`);
  });
}
