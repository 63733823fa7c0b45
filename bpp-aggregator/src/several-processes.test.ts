import { verifyChain } from '@flexder/protocol/audit/chain.ts';
import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import { encodeSelect } from '@flexder/protocol/flexibility/codec-v1.ts';
import { participantMigrations } from '@flexder/runtime/participant/open.ts';
import { type Balancer, startBalancer } from '@flexder/runtime/testing/balancer.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { LIMITS } from './limits.ts';
import { AGGREGATOR_MIGRATIONS } from './migrations.ts';
import { type Bench, openBench } from './testing/bench.ts';
import { type Mortal, startMortal } from './testing/mortal.ts';
import { AGGREGATOR, feederOf } from './testing/portfolio.ts';
import { type Ask, buy, buyInit, buyQuote, confirmation, reports, selectionOf } from './testing/purchase.ts';

/** On each feeder: three batches, which is more than one process takes at a time. */
const DERS = 110;
const FEEDERS = 12;
const HALF_HOUR_MS = 1_800_000;
const SETTINGS = { answerDeadlineS: 60, releaseSpreadSeconds: 60 };

describe('several processes of one aggregator', function () {
  before(thorough);
  this.timeout(60_000);
  let bench: Bench;
  let balancer: Balancer;
  let processes: Mortal[] = [];
  let buyers = 0;
  let feeders = 0;
  /** Of a feeder no test had before: most of it, or a few devices. */
  let most: Ask;
  let few: Ask;

  before(async () => {
    bench = await openBench({ ders: DERS, feeders: FEEDERS, settings: SETTINGS });
    balancer = await startBalancer();
  });

  beforeEach(async () => {
    processes = processes.filter(({ isDead }) => !isDead);
    while (processes.length < 3) processes.push(await startMortal(bench, balancer));
    for (const process of processes) process.doom = {};
    const startMs = bench.grid.nowMs();
    most = { feeder: feederOf(feeders++), kw: 720, window: { startMs, endMs: startMs + HALF_HOUR_MS } };
    few = { ...most, kw: 100 };
    bench.fleet.received.length = 0;
    bench.fleet.behave = () => ({ result: 'ACCEPTED' });
    await bench.report();
    for (const { service } of processes)
      await bench.until('every device online everywhere', async () => {
        const { dependencies } = await service.health();
        return dependencies.portfolio?.detail === `${DERS * FEEDERS} of ${DERS * FEEDERS} devices online`;
      });
  });

  after(async () => {
    await Promise.all(processes.map((one) => one.close()));
    await balancer?.close();
    await bench?.close();
  });

  const buyer = () => bench.world.bap(`dso-${buyers++}`);
  const closedReport = (transactionId: string) =>
    bench.until('the answers', () => reports(bench, transactionId).at(-1)?.dispatch?.closed === true);
  const last = (transactionId: string) => reports(bench, transactionId).at(-1);
  const callbacksOf = (action: string, transactionId: string) =>
    bench.world.callbacks.filter(
      ({ context }) => context.action === action && context.transaction_id === transactionId,
    );
  const messageIdsOf = (action: string, transactionId: string) =>
    new Set(callbacksOf(action, transactionId).map(({ context }) => context.message_id)).size;

  /** Ids of the commands each device was sent. */
  function commandsByDevice(): Map<string, Set<string>> {
    const ids = new Map<string, Set<string>>();
    for (const { der_id, command_id, type } of bench.fleet.received)
      if (type !== 'RELEASE') ids.set(der_id, (ids.get(der_id) ?? new Set()).add(command_id));
    return ids;
  }
  const eachOneCommand = () => [...commandsByDevice().values()].every((ids) => ids.size === 1);

  const tables = () =>
    bench.context.engines.database.open<Record<string, Record<string, unknown>>>(AGGREGATOR, {
      ...participantMigrations,
      ...AGGREGATOR_MIGRATIONS,
    });

  async function confirmOnly(one: ReturnType<typeof buyer>, ask: Ask) {
    const transactionId = bench.world.newId();
    const { quote, firm } = await buyQuote(bench, one, ask, transactionId);
    const orderId = await buyInit(bench, one, transactionId, firm!);
    const message = confirmation(firm!, quote!, orderId, bench.context.wall.nowMs());
    return { transactionId, orderId, firm: firm!, send: () => one.send('confirm', message, { transactionId }) };
  }

  it('each takes any message, and a large fan-out is shared: every effect once', async () => {
    // Nobody publishes before a second one does.
    const sharing = new Set<Mortal>();
    const second = deferred();
    for (const process of processes)
      process.doom = {
        async beforePublish() {
          if (sharing.add(process).size === 2) second.resolve();
          await second.promise;
        },
      };
    const { transactionId } = await buy(bench, buyer(), most);
    await closedReport(transactionId);
    const devices = commandsByDevice();
    expect(devices.size).to.be.above(100);
    expect(eachOneCommand()).to.equal(true);
    expect(last(transactionId)?.dispatch).to.include({ commands: devices.size, accepted: devices.size, silent: 0 });
    expect(messageIdsOf('on_confirm', transactionId)).to.equal(1);
    const shares = await Promise.all(processes.map(({ context }) => sentBy(context.metrics)));
    expect(shares.reduce((sum, share) => sum + share, 0)).to.equal(devices.size);
    expect(shares.filter((share) => share > 0)).to.have.length.above(1);
    expect(balancer.answered.size).to.be.at.least(3);
  });

  it('each shows the readings that another heard', async () => {
    const db = await tables();
    const heardAt = new Date(bench.grid.nowMs() + 1_000);
    await sql`insert into der_reading (der_no, read_at, power_kw, import_kwh, export_kwh, available_down_kw)
      select der_no, ${heardAt}, 5, 1000, 0, 5 from der where feeder_id = ${few.feeder}`.execute(db);
    for (const { service } of processes)
      await bench.until('the readings of another', async () => {
        const { feeders } = (await (await fetch(`${service.url}/api/v1/portfolio`)).json()) as {
          feeders: { feederId: string; ders: { readAt: string }[] }[];
        };
        const ders = feeders.find(({ feederId }) => feederId === few.feeder)!.ders;
        return ders.length === DERS && ders.every(({ readAt }) => Date.parse(readAt) === heardAt.getTime());
      });
  });

  it('the same message to all of them at once has one effect', async () => {
    const one = buyer();
    const transactionId = bench.world.newId();
    const messageId = bench.world.newId();
    const said = await Promise.all(
      Array.from({ length: 6 }, () => one.send('select', encodeSelect(selectionOf(few)), { transactionId, messageId })),
    );
    // Signed within one second they are the same bytes but for the timestamp: first wins, others are told so.
    expect(said.some(({ status }) => status === 200)).to.equal(true);
    await bench.world.next('on_select', transactionId);
    await bench.context.wall.sleep(2_500);
    expect(callbacksOf('on_select', transactionId)).to.have.length(1);
    const db = await tables();
    const { rows } = await sql<{ n: number }>`select count(*)::int as n from flex_order
      where transaction_id = ${transactionId}`.execute(db);
    expect(rows).to.deep.equal([{ n: 1 }]);
  });

  it('no device is in two orders, however many select at once', async () => {
    const asks = await Promise.all(Array.from({ length: 8 }, () => buyQuote(bench, buyer(), { ...few, kw: 110 })));
    const quotedKw = asks.reduce((sum, { quote }) => sum + (quote?.totalKw ?? 0), 0);
    expect(quotedKw).to.be.at.most(DERS * 7);
    const db = await tables();
    const { rows } = await sql<{ n: number; ders: number }>`
      select count(*)::int as n, count(distinct der_no)::int as ders
      from reservation r join flex_order o using (order_no) where active and feeder_id = ${few.feeder}`.execute(db);
    expect(rows[0]?.n).to.equal(rows[0]?.ders);
    expect(rows[0]?.n).to.be.above(50);
  });

  it('one is killed after its ACK: another handles the message, once', async () => {
    const one = buyer();
    const order = await confirmOnly(one, few);
    for (const process of processes)
      process.doom = {
        // The first handler that begins dies with its process.
        onQuery: (statement) =>
          statement.includes('SkipLocked') &&
          statement.includes('inbound_message') &&
          processes.every(({ isDead }) => !isDead),
      };
    expect((await order.send()).status).to.equal(200);
    await Promise.any(processes.map(({ death }) => death));
    await closedReport(order.transactionId);
    expect(processes.filter(({ isDead }) => isDead)).to.have.length(1);
    expect(messageIdsOf('on_confirm', order.transactionId)).to.equal(1);
    expect(eachOneCommand()).to.equal(true);
    expect(last(order.transactionId)?.dispatch).to.include({ silent: 0 });
  });

  it('one is killed in the middle of a fan-out: the others send the rest, and no device acts twice', async () => {
    const order = await confirmOnly(buyer(), most);
    let total = 0;
    for (const process of processes)
      process.doom = { onPublish: () => ++total === 37 && processes.every(({ isDead }) => !isDead) };
    await order.send();
    await Promise.any(processes.map(({ death }) => death));
    await closedReport(order.transactionId);
    const devices = commandsByDevice();
    expect(devices.size).to.be.above(50);
    expect(eachOneCommand()).to.equal(true);
    expect(last(order.transactionId)?.dispatch).to.include({
      commands: devices.size,
      accepted: devices.size,
      silent: 0,
    });
  });

  it('one is killed before its answer left: another delivers it', async () => {
    const order = await confirmOnly(buyer(), few);
    for (const process of processes)
      process.doom = { onRequest: (url) => url.endsWith('/on_confirm') && processes.every(({ isDead }) => !isDead) };
    await order.send();
    await Promise.any(processes.map(({ death }) => death));
    await bench.world.next('on_confirm', order.transactionId);
    await closedReport(order.transactionId);
    expect(messageIdsOf('on_confirm', order.transactionId)).to.equal(1);
    expect(eachOneCommand()).to.equal(true);
  });

  it('one is killed while answers are awaited and before the end: others keep its deadlines', async () => {
    bench.fleet.behave = (_command, index) => (index % 2 === 0 ? { result: 'ACCEPTED' } : undefined);
    const { transactionId } = await buy(bench, buyer(), few);
    await bench.world.next('on_status', transactionId);
    // Whoever confirmed armed the deadline; it is one of the first two. The third knows nothing of the order.
    processes[0]?.kill();
    processes[1]?.kill();
    const startMs = bench.grid.nowMs();
    await bench.grid.advanceTo(startMs + 62_000);
    await closedReport(transactionId);
    const { commands, accepted, silent } = last(transactionId)!.dispatch!;
    expect(accepted + silent).to.equal(commands);
    expect(silent).to.be.above(0);
    for (let at = startMs + 300_000; at <= startMs + HALF_HOUR_MS + 300_000; at += 300_000) {
      await bench.grid.advanceTo(at);
      await bench.report();
    }
    await bench.until('the end', () => last(transactionId)?.fulfilment === 'COMPLETED');
    expect(messageIdsOf('on_status', transactionId)).to.equal(
      new Set(reports(bench, transactionId).map((report) => JSON.stringify(report))).size,
    );
  });

  it('one leaves in the middle of a fan-out: what it had is sent at once by another', async () => {
    const order = await confirmOnly(buyer(), most);
    await order.send();
    await processes.shift()?.close();
    await closedReport(order.transactionId);
    expect(eachOneCommand()).to.equal(true);
    expect(last(order.transactionId)?.dispatch).to.include({ silent: 0 });
  });

  it('one that is left alone claims a whole fan-out as it writes it; with another there it leaves it to both', async () => {
    const [stays, ...others] = processes;
    const db = await tables();
    /** By the first command that is handed over: how many of the order are claimed already, and how many there are. */
    const claimsAtFirst = async (ask: Ask) => {
      let seen: { claimed: number; all: number } | undefined;
      const look = async () => {
        const { rows } = await sql<{ claimed: number; all: number }>`
          select count(claimed_by)::int as claimed, count(*)::int as all from command
          where order_no = (select max(order_no) from command)`.execute(db);
        seen ??= rows[0];
      };
      for (const process of processes) process.doom = { beforePublish: () => (seen ? Promise.resolve() : look()) };
      const { transactionId } = await buy(bench, buyer(), ask);
      await closedReport(transactionId);
      expect(eachOneCommand()).to.equal(true);
      return seen!;
    };
    const shared = await claimsAtFirst(most);
    expect(shared.all).to.be.above(100);
    expect(shared.claimed).to.be.below(shared.all);

    await Promise.all(others.map((other) => other.close()));
    processes = [stays!];
    await bench.until('no other is alive', async () => {
      const { rows } = await sql`
        select from process where seen_at > clock_timestamp() - ${sql.lit(LIMITS.peerAliveMs)} * interval '1 ms'`.execute(
        db,
      );
      return rows.length === 1;
    });
    // Until its next look it takes them to be there.
    await bench.context.wall.sleep(1_500);
    const alone = await claimsAtFirst({ ...most, feeder: feederOf(feeders++) });
    expect(alone.claimed).to.equal(alone.all);
  });

  it('their record is one chain', async () => {
    await Promise.all(Array.from({ length: 4 }, () => buy(bench, buyer(), few)));
    processes[1]?.kill();
    await buy(bench, buyer(), few);
    const db = (await tables()) as Kysely<Record<string, Record<string, unknown>>>;
    const records = async () =>
      (
        await sql<{ record: AuditRecord; seq: number | null }>`
      select record, seq from audit_record order by seq nulls last`.execute(db)
      ).rows;
    await bench.until('every record sealed', async () => (await records()).every(({ seq }) => seq !== null));
    // What is written meanwhile is sealed in its turn.
    const chain = (await records()).flatMap(({ record, seq }) => (seq === null ? [] : [record]));
    expect(chain.length).to.be.above(20);
    expect(verifyChain(chain)).to.deep.include({ valid: true });
  });
});

function deferred() {
  let resolve = () => {};
  const promise = new Promise<void>((yes) => {
    resolve = yes;
  });
  return { promise, resolve };
}

/** Commands this process handed to the broker. */
async function sentBy(metrics: { text(): Promise<string> }): Promise<number> {
  return Number(/^flexder_commands_sent\S*\{[^}]*\} (\d+)/m.exec(await metrics.text())?.[1] ?? 0);
}
