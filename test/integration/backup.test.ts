import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Summary } from '@flexder/bap-dso/operator-api/summary.ts';
import { programPath } from '@flexder/runtime/testing/engine.ts';
import { needsPostgres, type PostgresServer, startPostgres } from '@flexder/runtime/testing/postgres.ts';
import { testDeps } from '@flexder/runtime/testing/quiet.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { restore } from '@flexder/sandbox/backup/backup.ts';
import { BackupError } from '@flexder/sandbox/backup/error.ts';
import { layField } from '@flexder/sandbox/network/field.ts';
import { activationBench } from '@flexder/sandbox/scenario/activation-bench.ts';
import { expect } from 'chai';
import { flexder } from '../cli/flexder.ts';
import { TestNetwork } from '../harness/network.ts';
import { openTables } from '../harness/tables.ts';

const MINUTE_MS = 60_000;
const START_MS = activationBench({ bpps: 0 }).scenario.startMs;

const deps = { ...testDeps(), env: process.env };
const serverOf = (url: string) => (url.startsWith('postgres') ? url : undefined);

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new Error('it was done'),
    (reason) => reason,
  );
  expect(error).to.be.instanceOf(BackupError);
  return error.message;
}

/** What must be the same before and after: every order, settlement row, key and sealed record. */
async function contents(net: TestNetwork) {
  const dso = await openTables.dso(net);
  const orders = await dso.selectFrom('flex_order').selectAll().orderBy('obp_id').execute();
  const rows = await dso.selectFrom('settlement_row').selectAll().orderBy('import_msid').orderBy('revision').execute();
  const keys = await dso.selectFrom('own_key').selectAll().execute();
  const sold = [];
  for (const { subscriberId } of net.scenario.aggregators) {
    const db = await openTables.aggregator(net, subscriberId);
    sold.push(await db.selectFrom('command').selectAll().orderBy('command_id').execute());
    sold.push(await db.selectFrom('der_reading').selectAll().orderBy('der_no').orderBy('read_at').execute());
  }
  return { orders, rows, keys, sold };
}

describe('backup and restore', function () {
  this.timeout(240_000);
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'flexder-backup-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  /** A network trades, is backed up and destroyed, comes back from the file, and goes on. */
  async function drill(urls: { before: string; after: string }, options: (url: string) => string[]) {
    const [dataDir, restored, file] = [join(root, 'data'), join(root, 'restored'), join(root, 'backup.tar.gz')];
    await using field = await layField({ logLevel: 'silent', time: 'stepped', startMs: START_MS });
    const net = await TestNetwork.create({ ders: 20, dataDir, databaseUrl: urls.before, field });
    for (let minute = 0; minute < 2; minute++) await net.advance(MINUTE_MS);
    net.feeder.push(1.4);
    await net.advance(MINUTE_MS);
    net.feeder.relax();
    for (let i = 0; i < 25; i++) await net.advance(5 * MINUTE_MS);
    const before = await contents(net);
    const { audit } = await net.api<Summary>('/api/v1/summary');
    expect(before.orders.map(({ state }) => state)).to.deep.equal(['COMPLETED', 'COMPLETED']);
    expect(before.rows).to.have.length.above(0);
    await net.close();

    const backup = flexder(['backup', '--data', dataDir, '--to', file, ...options(urls.before)]);
    expect(backup.code, backup.err).to.equal(0);
    expect(JSON.parse(backup.out)).to.include({ kind: urls.before.split(':')[0] });
    const archive = readdirSync(join(dataDir, 'archive'), { recursive: true }).sort();
    rmSync(dataDir, { recursive: true });

    const back = flexder(['restore', '--from', file, '--data', restored, ...options(urls.after)]);
    expect(back.code, back.err).to.equal(0);
    const verified = flexder(['audit', 'verify', '--data', restored, ...options(urls.after)]);
    expect(verified.code, verified.err).to.equal(0);
    const whole = JSON.parse(verified.out);
    expect(whole).to.include({ valid: true });
    expect(whole.records).to.be.at.least(audit.records);
    expect(whole.checkpoints.verified).to.be.above(0);
    expect(whole.checkpoints.toSeq).to.be.within(1, whole.records);
    expect(readdirSync(join(restored, 'archive'), { recursive: true }).sort()).to.deep.equal(archive);

    const again = await refusal(restore(file, { dataDir: restored, databaseUrl: serverOf(urls.after) }, deps));
    expect(again).to.match(/holds (an archive|a database) already/);

    const place = { ders: 20, dataDir: restored, databaseUrl: urls.after, field };
    await using onIt = await TestNetwork.create(place);
    expect(await contents(onIt)).to.deep.equal(before);
    await onIt.advance(MINUTE_MS);
    expect((await onIt.api<Summary>('/api/v1/summary')).audit.verified).to.equal(true);
    return file;
  }

  it('bring an embedded network back, and refuse a file that is not what was written', async function () {
    thorough.call(this);
    const url = 'pglite:database';
    const file = await drill({ before: url, after: url }, () => []);
    const target = join(root, 'other');
    const bytes = readFileSync(file);
    for (const [name, change] of Object.entries({
      'cut.gz': () => bytes.subarray(0, bytes.length / 2),
      'flipped.gz': () => {
        const flipped = Buffer.from(bytes);
        flipped[bytes.length >> 1]! ^= 0x10;
        return flipped;
      },
      'text.gz': () => Buffer.from('not a backup'),
    })) {
      writeFileSync(join(root, name), change());
      const refused = await refusal(restore(join(root, name), { dataDir: target }, deps));
      expect(refused, name).to.contain('is damaged, or no backup of FlexDER');
      expect(readdirSync(target), name).to.deep.equal([]);
    }
  });

  it('say what is missing', () => {
    const none = flexder(['backup', '--data', join(root, 'none'), '--to', join(root, 'x')]);
    expect(none.code, none.err).to.equal(1);
    expect(none.err).to.contain('holds no FlexDER data');
    const wrong = flexder(['backup', '--data', root, '--to', join(root, 'x'), '--database', 'mysql://me:s3cret@db']);
    expect(wrong.code).to.equal(2);
    expect(wrong.err).to.contain('--database must be postgres://').and.not.contain('s3cret');
  });

  describe('of a PostgreSQL server', () => {
    let server: PostgresServer;
    before(async function () {
      needsPostgres.call(this);
      server = await startPostgres();
    });
    after(() => server?.stop());

    it('bring a network back into another database', async () => {
      const [before, after] = [await server.createDatabase(), await server.createDatabase()];
      await drill({ before, after }, (url) => ['--database', url]);
    });

    it('name the program that is missing, and never the password', async () => {
      const url = await server.createDatabase();
      const empty = flexder(['backup', '--data', root, '--to', join(root, 'x'), '--database', url]);
      expect(empty.err).to.contain('this database holds nothing of FlexDER');
      await server.admin('create schema bullmq', new URL(url).pathname.slice(1));
      const path = process.env.PATH;
      process.env.PATH = join(programPath('node') ?? process.execPath, '..', 'none');
      try {
        const missing = flexder(['backup', '--data', root, '--to', join(root, 'x'), '--database', url]);
        expect(missing.code).to.equal(1);
        expect(missing.err)
          .to.match(/pg_dump is not on the PATH: install/)
          .and.not.contain(server.password);
      } finally {
        process.env.PATH = path;
      }
    });
  });
});
