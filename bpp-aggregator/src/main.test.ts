import { createHash } from 'node:crypto';
import { eventId, type FeederId } from '@flexder/protocol/beckn/identifiers.ts';
import {
  decodeCatalogue,
  decodeOnConfirm,
  encodeCancel,
  encodeSearch,
} from '@flexder/protocol/flexibility/codec-v1.ts';
import type { MeterDocument } from '@flexder/protocol/flexibility/model.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { validateRecord } from '@flexder/schemas/validators.ts';
import { expect } from 'chai';
import type { AggregatorService } from './main.ts';
import { type Bench, openBench } from './testing/bench.ts';
import { POWER_KW } from './testing/fleet.ts';
import { AGGREGATOR, derIdOf } from './testing/portfolio.ts';
import { type Ask, buy, buyInit, buyQuote, confirmation, feedersInTurn, reports } from './testing/purchase.ts';
import type { Buyer } from './testing/world.ts';

const DERS = 40;
/** 40 devices of 7 kW, 95 % of which can be expected. */
const AVAILABLE_KW = 266;

function need({ feeder, window, kw }: Ask) {
  return {
    eventId: eventId('event-1'),
    feederId: feeder,
    direction: 'TURN_DOWN' as const,
    requestedKw: kw,
    window,
    maxPriceGbpPerKwh: 1,
    minReliability: 0,
    maxResponseSeconds: 120,
    interventionClass: 'INCENTIVE' as const,
  };
}

describe('aggregator', function () {
  this.timeout(60_000);
  let bench: Bench;
  let service: AggregatorService;
  let buyer: Buyer;
  let nextFeeder: ReturnType<typeof feedersInTurn>;
  let first = 0;
  let ask: Ask;

  before(async () => {
    bench = await openBench({ ders: DERS, feeders: 4 });
    service = await bench.start();
    buyer = bench.world.bap('dso-1');
    nextFeeder = feedersInTurn(bench, DERS);
  });
  beforeEach(async () => {
    ({ ask, first } = await nextFeeder());
  });
  after(async () => {
    await service?.close();
    await bench?.close();
  });

  it('sells, dispatches, counts each answer once, and ends with what was metered', async () => {
    const searched = bench.world.newId();
    await buyer.send('search', encodeSearch(need(ask)), { transactionId: searched });
    const [offer] = decodeCatalogue(AGGREGATOR, (await bench.world.next('on_search', searched)) as never);
    expect(offer).to.include({
      availableKw: AVAILABLE_KW,
      priceGbpPerKwh: 0.36,
      feederId: ask.feeder,
      deviceType: 'ev-charger',
    });

    // A feeder it has nothing on: the answer is an empty catalogue.
    const elsewhere = bench.world.newId();
    await buyer.send('search', encodeSearch(need({ ...ask, feeder: 'LPN-999' as FeederId })), {
      transactionId: elsewhere,
    });
    expect(decodeCatalogue(AGGREGATOR, (await bench.world.next('on_search', elsewhere)) as never)).to.deep.equal([]);

    const der = (place: number) => derIdOf(first + place);
    bench.fleet.behave = (_command, index) =>
      [{ result: 'REJECTED' as const }, { result: 'OPTED_OUT' as const }, undefined, {}][Math.min(3, index - first)];
    const order = await buy(bench, buyer, ask);
    expect(order.quote).to.include({ totalKw: 50, totalGbp: 9 });
    const { commitment } = decodeOnConfirm(order.confirmed as never);
    expect(commitment.committedKw).to.equal(50);
    await bench.settle();

    // 50 kW at 95 % of 7 kW each are 8 devices.
    const commands = bench.fleet.received;
    expect(commands.map((command) => command.der_id).sort()).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7].map(der));
    expect(new Set(commands.map((command) => command.type))).to.deep.equal(new Set(['IMPORT_CAPACITY_LIMIT']));
    expect(commands.every((command) => command.target_kw === 0 && command.order_id === order.orderId)).to.equal(true);
    expect(new Set(commands.map((command) => command.release_delay_s)).size).to.equal(8);
    const [sent] = reports(bench, order.transactionId);
    expect(sent?.fulfilment).to.equal('IN_PROGRESS');
    expect(sent?.dispatch).to.include({ commands: 8, closed: false });
    expect(sent?.dispatch?.lastAtMs).to.be.at.least(order.sentMs);
    expect(sent?.dispatch?.lastAtMs).to.be.at.least(sent?.dispatch?.firstAtMs ?? Number.NaN);

    // Forged and repeated answers change nothing.
    const known = commands.find((command) => command.der_id === der(0))!;
    const missing = commands.find((command) => command.der_id === der(2))!;
    const ack = (command: typeof known, change: object) => ({
      v: 1,
      command_id: command.command_id,
      der_id: command.der_id,
      sequence: command.sequence,
      result: 'ACCEPTED',
      ts: bench.fleet.ts(),
      ...change,
    });
    await bench.fleet.publish(der(0), 'ack', ack(known, {}));
    await bench.fleet.publish(der(9), 'ack', ack(missing, { der_id: der(9) }));
    await bench.fleet.publish(der(9), 'ack', ack(missing, {}));
    await bench.fleet.publish(der(2), 'ack', ack(missing, { sequence: missing.sequence + 1 }));
    await bench.fleet.publish(der(2), 'ack', ack(missing, { command_id: bench.world.newId() }));
    await bench.fleet.publish(der(2), 'ack', { nonsense: true });
    await bench.settle();
    expect(reports(bench, order.transactionId)).to.have.length(1);
    const { metrics } = bench.context;
    expect(metrics.total('device_answers_ignored')).to.equal(4);
    expect(metrics.total('device_message_dropped', { reason: 'foreign-id' })).to.equal(1);
    expect(metrics.total('device_message_dropped', { reason: 'invalid' })).to.equal(1);

    // At the deadline (grid time) who has not answered is silent; an answer after it does not count.
    await bench.advance(ask.window.startMs + 15_000);
    await bench.fleet.publish(der(2), 'ack', ack(missing, {}));
    await bench.settle();
    const closed = reports(bench, order.transactionId).at(-1);
    expect(closed?.dispatch).to.deep.include({
      commands: 8,
      accepted: 5,
      rejected: 1,
      optedOut: 1,
      expired: 0,
      silent: 1,
      acknowledgedKw: 35,
      closed: true,
    });
    expect(reports(bench, order.transactionId)).to.have.length(2);

    // 35 kW of the 50 promised: short, told once.
    const dispatched = (index: number) => (index >= first + 3 && index < first + 8 ? 0 : POWER_KW);
    for (let atMs = ask.window.startMs + 30_000; atMs <= ask.window.startMs + 120_000; atMs += 30_000) {
      await bench.advance(atMs);
      await bench.report(dispatched);
    }
    await bench.advance(ask.window.startMs + 150_000);
    const short = reports(bench, order.transactionId).slice(2);
    expect(short.map((report) => report.delivery)).to.deep.equal([{ measuredKw: 35, shortfallKw: 15 }]);

    // Not before its last settlement period is over and metered is it complete.
    for (let atMs = ask.window.startMs + 300_000; atMs <= ask.window.endMs; atMs += 300_000) {
      await bench.advance(atMs);
      await bench.report(dispatched);
    }
    expect(reports(bench, order.transactionId).at(-1)?.fulfilment).to.equal('IN_PROGRESS');
    await bench.advance(ask.window.endMs + 90_000);
    const done = reports(bench, order.transactionId).at(-1);
    expect(done?.fulfilment).to.equal('COMPLETED');
    // Five devices from 7 kW to 0 but for the 30 s before their first reading at zero: 35 kW × 29.5 min.
    expect(done?.performance?.deliveredKwh).to.be.closeTo(35 * (29.5 / 60), 0.01);
    expect(done?.performance?.ratio).to.be.closeTo(0.688, 0.001);
    expect(done?.performance?.intervals).to.have.length(1);

    const path = `/meter/${order.orderId}`;
    expect(done?.meterReference).to.deep.include({ path, rows: 5 });
    const fetched = await buyer.document(path);
    expect(fetched.status).to.equal(200);
    expect(createHash('sha256').update(fetched.text).digest('hex')).to.equal(done?.meterReference?.sha256);
    const document = JSON.parse(fetched.text) as MeterDocument;
    expect(validateRecord('meter-document', document)).to.deep.equal({ valid: true });
    expect(document.rows.map((row) => row.quality)).to.deep.equal(Array(5).fill('GOOD'));
    expect(document.rows[0]?.metered_kwh).to.be.closeTo(7 / 120, 0.001);
    // Nobody else gets it, and cannot tell that it exists.
    const stranger = bench.world.bap('stranger-1');
    const refused = await stranger.document(path);
    const unknown = await stranger.document(`/meter/${bench.world.newId()}`);
    expect(refused.status).to.equal(404);
    expect(refused.text).to.equal(unknown.text);

    // Too late to cancel.
    await buyer.send('cancel', encodeCancel({ orderId: order.orderId, reasonId: '4', note: 'late' }), order);
    expect((await bench.world.next('on_cancel', order.transactionId)).error?.code).to.equal('50001');
    const health = await service.health();
    expect(health.ready, JSON.stringify(health)).to.equal(true);
  });

  it('never sells capacity twice: 100 selections at once', async function () {
    thorough.call(this);
    const buyers = [buyer, bench.world.bap('dso-2')];
    const quotes = await Promise.all(
      Array.from({ length: 100 }, (_, index) => buyQuote(bench, buyers[index % 2]!, { ...ask, kw: 10 })),
    );
    const firmKw = quotes.reduce((sum, { quote }) => sum + (quote?.totalKw ?? 0), 0);
    expect(firmKw).to.be.above(0).and.at.most(AVAILABLE_KW);
    // Two devices make 13.3 kW expected: 20 orders take all 40.
    expect(quotes.filter(({ quote }) => quote)).to.have.length(20);
    expect(new Set(quotes.flatMap(({ error }) => (error ? [error.code] : [])))).to.deep.equal(new Set(['40002']));

    const db = await holdsOn(bench, ask.feeder);
    expect(db.active).to.equal(DERS);
    expect(db.devices).to.equal(DERS);
    // Another window that does not overlap is another matter.
    const later = { startMs: ask.window.endMs, endMs: ask.window.endMs + 1_800_000 };
    const { quote } = await buyQuote(bench, buyer, { ...ask, kw: 10, window: later });
    expect(quote?.totalKw).to.equal(10);
  });

  it('a confirmed order is confirmed once, whatever comes in parallel', async () => {
    const transactionId = bench.world.newId();
    const { quote, firm } = await buyQuote(bench, buyer, ask, transactionId);
    const orderId = await buyInit(bench, buyer, transactionId, firm!);
    const message = confirmation(firm!, quote!, orderId, bench.context.wall.nowMs());
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => buyer.send('confirm', message, { transactionId })),
    );
    expect(answers.map((answer) => answer.status)).to.deep.equal(Array(10).fill(200));
    await bench.settle();
    expect(bench.fleet.received).to.have.length(8);
    const confirmed = bench.world.callbacks.filter(
      ({ context }) => context.action === 'on_confirm' && context.transaction_id === transactionId,
    );
    expect(confirmed).to.have.length(10);
    expect(confirmed.every((body) => decodeOnConfirm(body as never).commitment.committedKw === 50)).to.equal(true);
  });

  it('cancelling frees the capacity at once and lets the devices go one after the other', async () => {
    const order = await buy(bench, buyer, { ...ask, kw: AVAILABLE_KW });
    await bench.settle();
    expect((await buyQuote(bench, buyer, { ...ask, kw: 10 })).error?.code).to.equal('40002');
    await buyer.send('cancel', encodeCancel({ orderId: order.orderId, reasonId: '4', note: 'cleared' }), order);
    const cancelled = await bench.world.next('on_cancel', order.transactionId);
    expect(cancelled.error).to.equal(undefined);
    await bench.settle();
    const releases = bench.fleet.received.filter((command) => command.type === 'RELEASE');
    expect(releases).to.have.length(DERS);
    expect(new Set(releases.map((command) => command.release_delay_s)).size).to.be.above(DERS / 2);
    const activation = new Map(
      bench.fleet.received.filter((one) => one.type !== 'RELEASE').map((one) => [one.der_id, one.sequence]),
    );
    expect(releases.every((command) => command.sequence > (activation.get(command.der_id) ?? Number.NaN))).to.equal(
      true,
    );
    expect((await buyQuote(bench, buyer, { ...ask, kw: 10 })).quote?.totalKw).to.equal(10);
    // The deadline of a cancelled order reports nothing more.
    const told = reports(bench, order.transactionId).length;
    await bench.advance(ask.window.startMs + 60_000);
    expect(reports(bench, order.transactionId)).to.have.length(told);
  });
});

async function holdsOn(bench: Bench, feeder: string): Promise<{ active: number; devices: number }> {
  const { AGGREGATOR_MIGRATIONS } = await import('./migrations.ts');
  const { participantMigrations } = await import('@flexder/runtime/participant/open.ts');
  const db = await bench.context.engines.database.open<import('./tables.ts').AggregatorTables>(AGGREGATOR, {
    ...participantMigrations,
    ...AGGREGATOR_MIGRATIONS,
  });
  const rows = await db
    .selectFrom('reservation')
    .innerJoin('der', 'der.der_no', 'reservation.der_no')
    .select('reservation.der_no')
    .where('reservation.active', '=', true)
    .where('der.feeder_id', '=', feeder)
    .execute();
  return { active: rows.length, devices: new Set(rows.map((row) => row.der_no)).size };
}
