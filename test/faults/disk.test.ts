/** The disk of an aggregator fills up: refused in time, nothing wrongly promised, nothing broken, and it goes on when there is room. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { type Cluster, openCluster } from '../harness/cluster.ts';
import { allSettled, recordsInOrder, sidesAgree } from '../harness/invariants.ts';
import { pgliteSql } from '../harness/plain-sql.ts';
import { askUntil, getJson } from '../harness/processes.ts';
import { type Errand, openShopper, type Shopper } from '../harness/shopper.ts';

const DISK = '140m';
const BALLAST = Buffer.alloc(262_144, 1);
const TRIES = 400;

describe('faults: a full disk', function () {
  this.timeout(150_000);
  let disk: string | undefined;
  let net: Cluster;
  let shopper: Shopper;
  const errands: Errand[] = [];

  before(async function () {
    const folder = mkdtempSync(join(tmpdir(), 'flexder-disk-'));
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', folder], { encoding: 'utf8' });
    if (mounted.status !== 0) {
      rmSync(folder, { recursive: true });
      process.stderr.write('\n  skipped: a full disk (only root can mount a small one)\n');
      this.skip();
    }
    disk = folder;
    net = await openCluster({
      ders: 24,
      bpps: 1,
      variables: (name): Record<string, string> => (name === 'bpp-1' ? { FLEXDER_DATA: folder } : {}),
    });
    await net.startAll('registry', 'broker', 'bpp-1', 'fleet');
    shopper = await openShopper(net.registry.url);
    await net.untilDevices('bpp-1');
  });
  after(async () => {
    await shopper?.close();
    await net?.close();
    if (!disk) return;
    spawnSync('umount', ['-l', disk]);
    rmSync(disk, { recursive: true, force: true });
  });

  const delivered = (body: { dependencies?: { outbox?: { detail?: string } } }) =>
    body.dependencies?.outbox?.detail === 'oldest effect 0 ms';

  function errand(): Errand {
    const of = shopper.errand(net.bpp(), { feeder: 'feeder-1', providerId: 'provider-1', kw: 2 });
    errands.push(of);
    return of;
  }
  const health = () => getJson(`${net.of('bpp-1').health}/health/ready`).catch(() => ({ status: 0, body: {} }));

  function fill(): string {
    const ballast = join(disk!, 'ballast');
    for (const bytes of [BALLAST, BALLAST.subarray(0, 4_096), BALLAST.subarray(0, 1)])
      try {
        for (;;) appendFileSync(ballast, bytes);
      } catch (error) {
        expect((error as NodeJS.ErrnoException).code).to.equal('ENOSPC');
      }
    return ballast;
  }

  it('F-17 says 503 and why, acknowledges nothing it cannot keep, and goes on when there is room', async () => {
    const twin = await shopper.buy(errand(), 'select', 'init', 'confirm');
    expect(twin.state, twin.refusal).to.equal('confirmed');

    const ballast = fill();
    const statuses = new Set<number>();
    const { party } = shopper;
    for (let i = 0; i < TRIES && !statuses.has(503); i++) {
      const of = errand();
      const context = party.contextOf('select', of.bpp, { transactionId: of.transactionId });
      const body = Buffer.from(JSON.stringify({ context, message: shopper.contentOf('select', of) }));
      const { status, body: said } = await party.post(of.bpp, 'select', body);
      statuses.add(status);
      if (status === 503) expect(said.error?.code).to.equal('NET_DOWNSTREAM_UNAVAILABLE');
    }
    expect([...statuses]).to.include(503);
    expect(net.of('bpp-1').log()).to.match(/could not extend file|No space left/i);
    rmSync(ballast);

    await sleep(1_000);
    const { status } = await health();
    // Whoever supervises it starts it again; either way what it has is whole.
    if (status !== 200) {
      await net.kill('bpp-1');
      await net.start('bpp-1');
    }
    await net.untilDevices('bpp-1');
    const again = await shopper.buy(errand(), 'select', 'init', 'confirm');
    expect(again.state, again.refusal).to.equal('confirmed');
    expect(status, 'it recovered without a restart').to.equal(200);

    // What it could not deliver meanwhile is sent again, or runs out.
    await askUntil(health, (answer) => answer.status === 200 && delivered(answer.body), 60_000);
    expect(await net.stop('bpp-1')).to.equal(0);
    const sql = await pgliteSql(join(disk!, 'database', 'postgres'));
    try {
      const query = await sql.of('aggregator-1');
      const bought = errands.filter(({ state }) => state !== 'new');
      expect([
        ...(await allSettled('aggregator-1', query)),
        ...(await recordsInOrder('aggregator-1', query)),
        ...(await sidesAgree('aggregator-1', query, bought)),
      ]).to.deep.equal([]);
    } finally {
      await sql.close();
    }
  });
});
