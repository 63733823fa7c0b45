import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import { openPglite } from '@flexder/runtime/engines/database/pglite.ts';
import { inTurn } from '@flexder/runtime/engines/database/pool.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { isThorough, thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { flexder } from './flexder.ts';

const wall = systemWallClock();

/** Changes one sealed record as only the owner of the database can. */
async function alterRecord(dataDir: string, seq: number): Promise<void> {
  const engine = await openPglite({ location: join(dataDir, 'database'), wall, log: createLogger('test', 'silent') });
  await inTurn(engine.shared, undefined, async (session) => {
    const { rows } = await session.run(
      "select table_schema as schema from information_schema.tables where table_name = 'audit_record' and table_schema like '%dso%'",
    );
    const table = `"${(rows[0] as { schema: string }).schema}".audit_record`;
    await session.run(`alter table ${table} disable trigger all`);
    await session.run(`update ${table} set record = record || '{"decision":"nothing happened"}' where seq = ${seq}`);
  });
  await engine.close();
}

describe('flexder: the demo and what it leaves', function () {
  this.timeout(180_000);
  const dataDir = join(mkdtempSync(join(tmpdir(), 'flexder-cli-')), 'evening');
  after(() => rmSync(join(dataDir, '..'), { recursive: true, force: true }));
  let summary: Record<string, never> & { [key: string]: unknown };

  before(() => {
    const { code, out, err } = flexder(['demo', '--json', '--ders', '90', '--data', dataDir]);
    expect(code, err).to.equal(0);
    summary = JSON.parse(out.trim().split('\n').at(-1)!);
  });

  it('holds every check and prints a summary that a program can read', () => {
    expect(summary).to.include({ scenario: 'evening-peak', seed: 1, ders: 90, feeders: 3, ok: true });
    for (const name of ['orders', 'commands', 'requestedKw', 'committedKw', 'measuredKw', 'memoryMb']) {
      expect(summary[name], name).to.be.a('number').above(0);
    }
    const acks = summary.acks as unknown as Record<string, number>;
    expect(acks).to.have.all.keys('accepted', 'rejected', 'optedOut', 'silent');
    expect(Object.values(acks).reduce((sum, count) => sum + count)).to.equal(summary.commands);
    const overloads = summary.overloads as unknown as Record<string, unknown>[];
    expect(overloads.map(({ detectedBy }) => detectedBy)).to.include.members(['forecast', 'measured']);
    for (const one of overloads) {
      expect(one).to.include.all.keys('feederId', 'detectedBy', 'detectedAt', 'toppedUp');
      for (const name of ['limitKw', 'peakWithoutKw', 'peakDuringKw', 'requestedKw', 'committedKw', 'measuredKw']) {
        expect(one[name], name).to.be.a('number').above(0);
      }
      expect(one.peakWithoutKw).to.be.greaterThan(one.limitKw as number);
      expect(one.peakDuringKw).to.be.at.most(one.limitKw as number);
    }
    expect(summary.audit).to.include({ verified: true });
    expect(summary.audit).to.include.all.keys('records', 'headHash');
    expect(summary.detectionToAckMs).to.include.all.keys('p50', 'p95', 'p99', 'max');
    expect(summary.detectionToDispatchMs).to.include.all.keys('p50', 'p95', 'p99', 'max');
    const settlement = summary.settlement as unknown as { rows: number; totalMwh: number; paymentGbp: number };
    expect(settlement.rows).to.be.greaterThan(0);
    expect(settlement.totalMwh).to.be.greaterThan(0);
    expect(settlement.paymentGbp).to.be.greaterThan(0);
  });

  let settled: { obp_id: string; lead_party_id: string; settlement_date: string }[] = [];

  it('exports the settlement', () => {
    const json = flexder(['settlement', 'export', '--data', dataDir, '--format', 'json']);
    const rows = (summary.settlement as unknown as { rows: number }).rows;
    settled = JSON.parse(json.out).body.rows;
    expect(settled).to.have.length(rows);
    if (!isThorough()) return;
    const csv = flexder(['settlement', 'export', '--data', dataDir]);
    expect(csv.out.trim().split('\r\n')).to.have.length(rows + 1);
  });

  it('accounts for it: the aggregator has the same figures, and the statement adds up', function () {
    thorough.call(this);
    const { lead_party_id: aggregator, settlement_date: date } = settled[0]!;
    const at = ['--data', dataDir, '--aggregator', aggregator];
    const compared = flexder(['settlement', 'reconcile', ...at]);
    expect(compared.code, compared.err).to.equal(0);
    const { agreed, orders, payment_gbp } = JSON.parse(compared.out);
    expect(agreed).to.equal(true);
    expect(orders).to.be.above(0);
    const stated = flexder(['settlement', 'statement', ...at, '--month', date.slice(0, 7), '--format', 'json']);
    expect(JSON.parse(stated.out).body.totals.payment_gbp).to.equal(payment_gbp.dso);
  });

  it('does not write over a run that is there', function () {
    thorough.call(this);
    const again = flexder(['demo', '--ders', '18', '--data', dataDir]);
    expect(again.code).to.equal(2);
    expect(again.err).to.contain('holds a run already');
  });

  it('exports the evidence of an order, which holds by itself until it is altered', function () {
    thorough.call(this);
    const file = join(dataDir, 'evidence.json');
    const exported = flexder(['audit', 'export', '--data', dataDir, '--obp-id', settled[0]!.obp_id, '--to', file]);
    expect(exported.code, exported.err).to.equal(0);
    const checked = flexder(['audit', 'check', file]);
    expect(checked.code, checked.err).to.equal(0);
    const { records, keys } = JSON.parse(checked.out);
    expect(records).to.be.above(5);
    expect(keys[0].tie).to.equal('registry');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/"decision":"/, '"decision":"not '));
    const altered = flexder(['audit', 'check', file]);
    expect(altered.code).to.equal(1);
    expect(JSON.parse(altered.out)).to.include({ valid: false, reason: 'record' });
    expect(altered.err).to.contain('The bundle does NOT hold: /records/');
  });

  it('verifies the record, and names the first altered entry', async () => {
    const whole = flexder(['audit', 'verify', '--data', dataDir]);
    expect(whole.code, whole.err).to.equal(0);
    expect(JSON.parse(whole.out)).to.include({ valid: true, ...pick(summary.audit, ['headHash']) });
    const { records, checkpoints } = JSON.parse(whole.out);
    expect(checkpoints.verified).to.be.above(0);
    expect(checkpoints.toSeq).to.equal(records);
    await alterRecord(dataDir, 9);
    const altered = flexder(['audit', 'verify', '--data', dataDir]);
    expect(altered.code).to.equal(1);
    expect(JSON.parse(altered.out)).to.include({ valid: false, seq: 9, reason: 'hash' });
    expect(altered.err).to.contain('the first broken record is 9');
  });

  it('names the process that holds the folder', async function () {
    thorough.call(this);
    const engine = await openPglite({ location: join(dataDir, 'database'), wall, log: createLogger('test', 'silent') });
    const { code, err } = flexder(['audit', 'verify', '--data', dataDir]);
    await engine.close();
    expect(code).to.equal(2);
    expect(err).to.contain(String(process.pid));
  });
});

function pick(value: unknown, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.map((key) => [key, (value as Record<string, unknown>)[key]]));
}
