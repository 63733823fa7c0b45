/** Engines go away, fill up and come back under a running network; its messages are neither lost nor wrongly promised. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { startMosquitto } from '@flexder/runtime/testing/mosquitto.ts';
import { startPostgres } from '@flexder/runtime/testing/postgres.ts';
import type { LineFault } from '@flexder/runtime/testing/proxy.ts';
import { startRedis } from '@flexder/runtime/testing/redis.ts';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { type EngineCluster, needsAllEngines, openEngineCluster } from '../harness/engine-cluster.ts';
import { allAnswered, allSettled, nothingLate, onlyOnce, recordsInOrder, sidesAgree } from '../harness/invariants.ts';
import { type PlainSql, postgresSql } from '../harness/plain-sql.ts';
import { askUntil, getJson, metricOf } from '../harness/processes.ts';
import type { Asked, Errand } from '../harness/shopper.ts';

const DERS = 300;
const SETTLED_MS = 40_000;
const ALWAYS = ['registry', 'gateway', 'bpp-1', 'bap', 'fleet'];
/** Devices have as long as their aggregator may be late after a death. */
const ANSWER_DEADLINE_S = 15;

describe('faults: an engine is away, full or restarted', function () {
  this.timeout(120_000);
  let net: EngineCluster;
  let sql: PlainSql;
  const errands: Errand[] = [];

  before(async function () {
    needsAllEngines.call(this);
    net = await openEngineCluster({
      ders: DERS,
      bpps: 1,
      copies: 1,
      early: ALWAYS,
      variables: (name): Record<string, string> =>
        name.startsWith('bpp') ? { FLEXDER_BPP_ANSWER_DEADLINE_S: String(ANSWER_DEADLINE_S) } : {},
    });
    // Messages come to the first process; the second is started where work is shared.
    net.balancer!.backends = [net.of('bpp-1').url];
    sql = net.sql;
  });
  after(() => net?.close());

  function errand(kw = 8, feeder = 1): Errand {
    const types = ['battery', 'ev-charger', 'heat-pump'] as const;
    const of = net.shopper.errand(net.bpp(), { feeder: `feeder-${feeder}`, providerId: 'provider-1', kw, types });
    errands.push(of);
    return of;
  }
  const health = () => getJson(`${net.of('bpp-1').health}/health/ready`);
  const detailOf = (body: Record<string, unknown>, name: string) =>
    String((body.dependencies as Record<string, { detail: string }>)[name]?.detail);
  const untilReady = () => askUntil(health, ({ status }) => status === 200, SETTLED_MS);

  async function violations(): Promise<string[]> {
    const query = await sql.of('aggregator-1');
    const open = async () => [
      ...(await allSettled('aggregator-1', query)),
      ...(await recordsInOrder('aggregator-1', query)),
    ];
    const left = await askUntil(open, (found) => found.length === 0, SETTLED_MS).catch(open);
    return [
      ...left,
      ...onlyOnce(net.journal),
      ...nothingLate(net.journal),
      ...allAnswered(net.shopper, errands),
      ...(await sidesAgree('aggregator-1', query, errands)),
    ];
  }
  async function expectWhole(of: Errand): Promise<void> {
    expect(of.state, of.refusal).to.equal('confirmed');
    expect(await net.shopper.closed(of)).to.include({ closed: true });
    expect(await violations()).to.deep.equal([]);
  }
  const lastStatus = ({ tries }: Asked) => tries.at(-1);

  for (const mode of ['cut', 'blackhole', 'reset'] as const)
    it(`F-06 Redis is away (${mode}): messages are acknowledged and acted on, and it is told`, async () => {
      const line = net.line('bpp-1', 'queue');
      await line.set({ mode });
      const of = await net.shopper.buy(errand(), 'select', 'init', 'confirm');
      expect(of.asked.map(lastStatus)).to.deep.equal([200, 200, 200]);
      const { status, body } = await health();
      expect({ status, away: /away/.test(detailOf(body, 'queue')) }).to.deep.equal({ status: 200, away: true });
      await expectWhole(of);
      await line.set({ mode: 'pass' });
      await askUntil(health, ({ body }) => /waiting/.test(detailOf(body, 'queue')), SETTLED_MS);
    });

  for (const mode of ['cut', 'blackhole', 'reset'] as const)
    it(`F-06 the database is away (${mode}): 503, no false ACK, and the same message has one effect later`, async () => {
      const line = net.line('bpp-1', 'database');
      await line.set({ mode });
      const of = errand();
      const sending = net.shopper.send('select', of);
      expect((await health()).status).to.equal(503);
      await sleep(1_500);
      await line.set({ mode: 'pass' });
      const asked = await sending;
      expect(asked.tries[0]).to.equal(503);
      expect(asked.refusal).to.deep.equal({ code: 'NET_DOWNSTREAM_UNAVAILABLE', retryAfter: '1' });
      expect(asked.acked).to.equal(true);
      await net.shopper.heard(of, asked);
      await net.shopper.buy(of, 'init', 'confirm');
      await untilReady();
      await expectWhole(of);
    });

  /** Commands of an order that were handed to the broker. */
  async function sentOf(of: Errand): Promise<number> {
    const query = await sql.of('aggregator-1');
    const [row] = await query(`select count(*)::int as n from command join flex_order using (order_no)
      where order_id = '${of.orderId}' and command.state = 'SENT' and command_type <> 'RELEASE'`);
    return Number(row!.n);
  }

  describe('with a second process, which a fan-out is shared with', () => {
    before(async () => {
      await net.start('bpp-1b');
      await net.untilDevices('bpp-1b');
      await untilBothLooked();
    });
    after(() => net?.stop('bpp-1b'));

    /** Each counts the processes when it says that it is there. */
    async function untilBothLooked(): Promise<void> {
      const query = await sql.of('aggregator-1');
      const [now] = await query('select clock_timestamp() as now');
      await askUntil(
        () => query(`select from process where seen_at > '${(now!.now as Date).toISOString()}'`),
        (seen) => seen.length === 2,
        SETTLED_MS,
      );
    }
    async function onBothBuses(fault: LineFault): Promise<void> {
      for (const name of ['bpp-1', 'bpp-1b']) await net.line(name, 'bus').set(fault);
    }

    it('F-07 Redis is killed and started on its file: an acknowledged order of many devices is whole', async () => {
      const of = await net.shopper.buy(errand(400, 2), 'select', 'init');
      // Batches wait in the queue while commands trickle.
      await onBothBuses({ mode: 'slice', bytes: 512, everyMs: 5 });
      const asked = await net.shopper.send('confirm', of);
      expect(asked.acked).to.equal(true);
      await net.redis.kill();
      const again = await startRedis({ port: net.redis.port, folder: net.redis.folder });
      Object.assign(net.redis, again);
      await onBothBuses({ mode: 'pass' });
      await net.shopper.heard(of, asked);
      await expectWhole(of);
      const report = await net.shopper.closed(of);
      expect(report!.commands).to.be.above(50);
      expect(await sentOf(of)).to.equal(report!.commands);
    });

    it('F-08 Redis is full: the order goes out without it, the log says what to do, and it is used again when there is room', async () => {
      const admin = new Redis(net.redis.url);
      try {
        await admin.config('SET', 'maxmemory', '1mb');
        const before = await metricOf(net.of('bpp-1'), 'dispatch_not_shared');
        const of = await net.shopper.buy(errand(400, 3), 'select', 'init', 'confirm');
        await expectWhole(of);
        expect(await metricOf(net.of('bpp-1'), 'dispatch_not_shared')).to.equal(before + 1);
        expect(net.of('bpp-1').log()).to.include('Redis is full: raise its maxmemory');
        await admin.config('SET', 'maxmemory', '0');
      } finally {
        admin.disconnect();
      }
      const { body } = await health();
      expect(detailOf(body, 'queue')).to.match(/waiting/);
    });
  });

  it('F-18 the database is read-only, as a replica after a failover: 503, and nothing half written', async () => {
    await net.postgres.admin('alter system set default_transaction_read_only = on');
    await net.postgres.admin('select pg_reload_conf()');
    const of = errand();
    const sending = net.shopper.send('select', of);
    await sleep(1_000);
    await net.postgres.admin('alter system reset default_transaction_read_only');
    await net.postgres.admin('select pg_reload_conf()');
    const asked = await sending;
    expect(asked.tries[0]).to.equal(503);
    expect(lastStatus(asked)).to.equal(200);
    await net.shopper.heard(of, asked);
    await net.shopper.buy(of, 'init', 'confirm');
    await expectWhole(of);
  });

  it('F-18 the database is killed in the middle of the transaction of an acknowledged order: done once', async () => {
    const of = await net.shopper.buy(errand(), 'select', 'init');
    const query = await sql.of('aggregator-1');
    await query('begin');
    await query('lock table command in exclusive mode');
    const asked = await net.shopper.send('confirm', of);
    await askUntil(
      () => query(`select from pg_locks where not granted and relation = 'command'::regclass`),
      (waiting) => waiting.length > 0,
      SETTLED_MS,
    );
    await sql.close().catch(() => {});
    const { child } = net.postgres;
    const exited = once(child, 'exit');
    // As a crash: no checkpoint, every session cut.
    child.kill('SIGQUIT');
    await exited;
    const { port, folder } = net.postgres;
    Object.assign(net.postgres, await startPostgres({ port, folder, args: ['-c', 'max_connections=200'] }));
    sql = await postgresSql(net.sqlUrl);
    await net.shopper.heard(of, asked);
    await untilReady();
    await expectWhole(of);
  });

  it('F-09 the broker is gone until the commands are too old: told as not delivered, and never executed late', async () => {
    const { port, folder } = net.mosquitto;
    const of = await net.shopper.buy(errand(8, 1), 'select', 'init');
    await net.mosquitto.kill();
    await net.shopper.buy(of, 'confirm');
    expect(of.state, of.refusal).to.equal('confirmed');
    const report = await net.shopper.closed(of);
    expect(report).to.include({ closed: true, accepted: 0 });
    expect(report!.commands).to.be.above(0);
    expect(report!.silent).to.equal(report!.commands);
    Object.assign(net.mosquitto, await startMosquitto({ accounts: net.accounts, port, folder }));
    await untilReady();
    await askUntil(
      async () => net.journal.deaf.at(-1)?.toMs,
      (toMs) => toMs !== Number.POSITIVE_INFINITY,
      SETTLED_MS,
    );
    await net.untilDevices('bpp-1');
    const executed = net.journal.commands.filter(({ order_id }) => order_id === of.orderId);
    expect(executed).to.deep.equal([]);
    expect(await sentOf(of)).to.equal(0);
    expect(await violations()).to.deep.equal([]);
  });
});
