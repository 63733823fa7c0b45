/** The DSO's own process is killed around an on_confirm: between receiving and storing it, and between its ACK and the effect. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DSO_ID } from '@flexder/sandbox/network/ids.ts';
import { expect } from 'chai';
import { type Door, type Fate, openDoor } from '../harness/door.ts';
import { type EngineCluster, needsAllEngines, openEngineCluster } from '../harness/engine-cluster.ts';
import { allSettled, onlyOnce, type Query, recordsInOrder, servicesAgree } from '../harness/invariants.ts';

/** On a busy machine nobody is left out of a plan for being late, and no order is withdrawn while its buyer is dead. */
const PATIENT = {
  FLEXDER_BAP_GATHER_BOUND_MS: '3000',
  FLEXDER_BAP_GATHER_OVERALL_MS: '6000',
  FLEXDER_BAP_ANSWER_TIMEOUT_MS: '30000',
};
const SETTLED_MS = 40_000;

describe('faults: the DSO is killed', function () {
  this.timeout(150_000);
  let net: EngineCluster;
  let door: Door;
  let bap: Query;
  /** What every on_confirm waits for before it reaches the DSO. */
  let beforeOnConfirm: (() => Promise<void>) | undefined;

  before(async function () {
    needsAllEngines.call(this);
    let bapPort = 0;
    let publicUrl = '';
    net = await openEngineCluster({
      ders: 24,
      limitShare: 0.6,
      variables: (name): Record<string, string> =>
        name === 'bap' ? { FLEXDER_BAP_PUBLIC_URL: publicUrl, ...PATIENT } : {},
      async beforeStart(services) {
        bapPort = Number(new URL(services.find(({ name }) => name === 'bap')!.url).port);
        door = await openDoor(async ({ action }): Promise<Fate> => {
          if (action === 'on_confirm') await beforeOnConfirm?.();
          return 'pass';
        }, bapPort);
        publicUrl = door.url;
      },
      early: ['registry', 'gateway', 'bpp-1', 'bpp-2', 'fleet'],
    });
    bap = await net.sql.of(DSO_ID).catch(() => async () => []);
  });
  after(async () => {
    await net?.close();
    await door?.[Symbol.asyncDispose]();
  });

  async function until(what: string, done: () => Promise<boolean>): Promise<void> {
    for (const untilMs = Date.now() + SETTLED_MS; !(await done()); await sleep(50))
      if (Date.now() > untilMs) throw new Error(`${what}: not within ${SETTLED_MS} ms`);
  }
  /**
   * Locks `table` when the next on_confirm comes to a DSO that is up, and kills that once `isAtIt`. Of several sellers
   * all wait for the lock: an on_confirm that passed it by would be stored before the kill.
   */
  async function killAt(table: string, up: Promise<unknown>, isAtIt: string): Promise<void> {
    const locked = new Promise<void>((resolve, reject) => {
      let locking: Promise<void> | undefined;
      const lock = async () => {
        await up;
        bap = await net.sql.of(DSO_ID);
        await bap('begin');
        await bap(`lock table ${table} in exclusive mode`);
      };
      beforeOnConfirm = () => {
        locking ??= lock();
        locking.then(resolve, reject);
        return locking;
      };
    });
    await locked;
    await until(isAtIt, async () => (await bap(isAtIt)).length > 0);
    await net.kill('bap');
    // The server would still do what its dead client had asked for.
    await bap(`select pg_terminate_backend(pid) from pg_locks where not granted and relation = '${table}'::regclass`);
    await bap('rollback');
  }

  it('F-03 before it stored an on_confirm, and again before it acted on it: both sides agree in the end', async () => {
    const inserting = `select from pg_locks where not granted and relation = 'inbound_message'::regclass`;
    await killAt('inbound_message', net.start('bap'), inserting);
    const stored = await bap(`select count(*)::int as n from inbound_message where action = 'on_confirm'`);
    expect(stored[0]!.n, 'on_confirm stored by the DSO before it died').to.equal(0);

    const acknowledged = `select from inbound_message where action = 'on_confirm' and state = 'stored'`;
    await killAt('flex_order', net.start('bap'), acknowledged);
    const left = await bap(`select state from inbound_message where action = 'on_confirm'`);
    expect(left.map(({ state }) => state)).to.include('stored');

    await net.start('bap');
    const aggregators = ['aggregator-1', 'aggregator-2'];
    const queries = new Map<string, Query>([[DSO_ID, bap]]);
    for (const id of aggregators) queries.set(id, await net.sql.of(id));
    const violations = async () => [
      ...(await Promise.all(aggregators.map((id) => servicesAgree(bap, id, queries.get(id)!)))).flat(),
      ...(await Promise.all([...queries].map(([id, query]) => allSettled(id, query)))).flat(),
      ...(await Promise.all([...queries].map(([id, query]) => recordsInOrder(id, query)))).flat(),
      ...onlyOnce(net.journal),
    ];
    const bound = async () => bap(`select bpp_id from flex_order where state = 'IN_PROGRESS'`);
    await until('an order that runs', async () => (await bound()).length > 0);
    await until('both sides agree', async () => (await violations()).length === 0).catch(() => {});
    expect(await violations()).to.deep.equal([]);
    const confirmed = await bap(`select count(*)::int as n, count(distinct message_id)::int as ids
      from inbound_message where action = 'on_confirm' and state = 'handled'`);
    expect(confirmed[0]!.n).to.be.above(0).and.equal(confirmed[0]!.ids);
  });
});
