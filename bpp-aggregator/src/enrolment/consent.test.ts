import { decodeOnStatus } from '@flexder/protocol/flexibility/codec-v1.ts';
import { CONSENT_WITHDRAWN } from '@flexder/protocol/flexibility/model.ts';
import { tokenSha256 } from '@flexder/runtime/access/people.ts';
import type { BusClient } from '@flexder/runtime/engines/bus/port.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import request from 'supertest';
import type { Rooms } from '../context.ts';
import type { Outgoing } from '../dispatch/commands.ts';
import type { AggregatorService } from '../main.ts';
import { type Bench, openBench } from '../testing/bench.ts';
import { POWER_KW } from '../testing/fleet.ts';
import { derIdOf, feederOf, portfolioOf, START_MS } from '../testing/portfolio.ts';
import { type Ask, buy, buyInit, buyQuote, confirmation, reports } from '../testing/purchase.ts';
import type { Buyer } from '../testing/world.ts';
import type { ConsentView } from '../view/consent.ts';
import { mayLeave } from './consent.ts';

const TOKEN = 'token-of-the-app-of-consumers';
const OPERATORS = [{ name: 'consumer-app', role: 'operator' as const, tokenSha256: tokenSha256(TOKEN) }];
const PER_FEEDER = 4;
const HALF_HOUR_MS = 1_800_000;
const DAY_MS = 86_400_000;
const EXPECTED_KW = POWER_KW * 0.95;

describe('consent', function () {
  this.timeout(60_000);
  let bench: Bench;
  let service: AggregatorService;
  let buyer: Buyer;
  let feeders = 0;
  /** All four devices of a feeder that no other test uses, from now on. */
  let ask: Ask;
  let first = 0;
  /** What goes out to devices waits for it. */
  let gate: Promise<void> = Promise.resolve();

  before(async () => {
    bench = await openBench({ ders: PER_FEEDER, feeders: 6, onDisk: true, settings: { operators: OPERATORS } });
    await start();
    buyer = bench.world.bap('dso-1');
  });
  beforeEach(async () => {
    bench.fleet.received.length = 0;
    const startMs = bench.grid.nowMs();
    first = feeders * PER_FEEDER;
    ask = {
      feeder: feederOf(feeders++),
      kw: PER_FEEDER * EXPECTED_KW,
      window: { startMs, endMs: startMs + HALF_HOUR_MS },
    };
    await bench.report();
  });
  after(async () => {
    await service?.close();
    await bench?.close();
  });

  async function start(...[change, settings]: Parameters<Bench['start']>) {
    const { engines } = bench.context;
    const connect = async (options: Parameters<typeof engines.bus.connect>[0]) => {
      const client = await engines.bus.connect(options);
      const publish: BusClient['publish'] = async (...said) => {
        await gate;
        return client.publish(...said);
      };
      return Object.create(client, {
        publish: { value: publish },
        connected: { get: () => client.connected },
        subscribe: { value: client.subscribe.bind(client) },
        close: { value: client.close.bind(client) },
      }) as BusClient;
    };
    const gated = { ...engines, bus: Object.create(engines.bus, { connect: { value: connect } }) };
    service = await bench.start({ engines: gated, ...change }, settings);
  }
  const post = (path: string, body: object) =>
    request(service.url)
      .post(`/api/v1/enrolment${path}`)
      .set({ authorization: `Bearer ${TOKEN}` })
      .send(body);
  const get = (path: string) =>
    request(service.url)
      .get(`/api/v1/enrolment${path}`)
      .set({ authorization: `Bearer ${TOKEN}` });
  const withdraw = (index: number) => post(`/devices/${derIdOf(index)}/withdraw`, { reason: 'guests tonight' });
  const excluded = async () => {
    const { body } = await request(service.url).get('/api/v1/portfolio');
    const shown = body.feeders.find((one: { feederId: string }) => one.feederId === ask.feeder);
    return shown.ders.map((der: { excluded: string | null }) => der.excluded);
  };
  const said = (type?: string) =>
    bench.fleet.received.filter((one) => (one.type === 'RELEASE') === (type === 'RELEASE')).map((one) => one.der_id);
  const withdrawn = (transactionId: string) =>
    reports(bench, transactionId)
      .at(-1)
      ?.devices?.filter(({ reason }) => reason === CONSENT_WITHDRAWN)
      .map(({ derId, answer }) => [derId, answer]);
  const others = () => [1, 2, 3].map((more) => derIdOf(first + more)).sort();

  it('that ends while a quote holds the device leaves it out of the order', async () => {
    const transactionId = bench.world.newId();
    const { quote, firm } = await buyQuote(bench, buyer, ask, transactionId);
    const orderId = await buyInit(bench, buyer, transactionId, firm!);
    expect((await withdraw(first)).body).to.deep.equal({ ordersThatLostIt: 1 });
    await buyer.send('confirm', confirmation(firm!, quote!, orderId, bench.context.wall.nowMs()), { transactionId });
    await bench.world.next(
      'on_status',
      transactionId,
      (body) => decodeOnStatus(body as never).dispatch?.closed === true,
    );
    expect(said().sort()).to.deep.equal(others());
    const report = reports(bench, transactionId).at(-1)?.dispatch;
    expect(report).to.include({ commands: 3, accepted: 3, acknowledgedKw: 3 * POWER_KW });
    expect(await excluded()).to.include('consent-expired');
  });

  it('that ends between confirm and fan-out stops the command, and the DSO is told', async () => {
    let open = () => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    const order = await buy(bench, buyer, ask);
    expect((await withdraw(first)).body).to.deep.equal({ ordersThatLostIt: 1 });
    open();
    gate = Promise.resolve();
    await bench.world.next(
      'on_status',
      order.transactionId,
      (body) => decodeOnStatus(body as never).dispatch?.closed === true,
    );
    await bench.until('the release', () => said('RELEASE').length === 1);
    // The command was under way when consent ended: its release has the higher sequence, whichever comes first.
    expect(said('RELEASE')).to.deep.equal([derIdOf(first)]);
    const [activation] = bench.fleet.received.filter((one) => one.der_id === derIdOf(first) && one.type !== 'RELEASE');
    const [release] = bench.fleet.received.filter((one) => one.type === 'RELEASE');
    if (activation) expect(release!.sequence).to.be.above(activation.sequence);
    expect(said().sort()).to.include.members(others());
    const report = reports(bench, order.transactionId).at(-1)?.dispatch;
    expect(report).to.include({ commands: 4, accepted: 3, optedOut: 1, acknowledgedKw: 3 * POWER_KW });
    expect(withdrawn(order.transactionId)).to.deep.equal([[derIdOf(first), 'OPTED_OUT']]);
  });

  it('that ends while the order runs releases that device alone, and the shortfall is told at once', async () => {
    const order = await buy(bench, buyer, ask);
    await bench.world.next(
      'on_status',
      order.transactionId,
      (body) => decodeOnStatus(body as never).dispatch?.closed === true,
    );
    await bench.advance(ask.window.startMs + 60_000);
    await bench.report((index) => (index >= first && index < first + PER_FEEDER ? 0 : POWER_KW));
    expect(withdrawn(order.transactionId)).to.deep.equal([]);
    const before = reports(bench, order.transactionId).length;
    await withdraw(first);
    await bench.until('the report', () => reports(bench, order.transactionId).length > before);
    await bench.until('the release', () => said('RELEASE').length === 1);
    expect(said('RELEASE')).to.deep.equal([derIdOf(first)]);
    const report = reports(bench, order.transactionId).at(-1)!;
    expect(report.dispatch).to.include({ accepted: 3, optedOut: 1, acknowledgedKw: 3 * POWER_KW });
    expect(withdrawn(order.transactionId)).to.deep.equal([[derIdOf(first), 'OPTED_OUT']]);
    const shortfallKw = Math.round((order.quote.totalKw - 3 * POWER_KW) * 1000) / 1000;
    expect(report.delivery).to.deep.equal({ measuredKw: 3 * POWER_KW, shortfallKw });
    // Once: there is nothing left to withdraw from.
    expect((await withdraw(first)).body).to.deep.equal({ ordersThatLostIt: 0 });
    expect(said('RELEASE')).to.have.length(1);
  });

  it('of who wants to be asked: a yes offers the device; a no, and silence, leave it out', async () => {
    const consent = { from: iso(START_MS), until: iso(START_MS + DAY_MS), mode: 'ask', reason: 'chosen in the app' };
    for (const more of [0, 1, 2]) await post(`/devices/${derIdOf(first + more)}/consent`, consent);
    expect(await excluded()).to.deep.equal([...Array(3).fill('consent-not-asked'), null]);
    const quoted = async (kw: number) => (await buyQuote(bench, buyer, { ...ask, kw })).quote?.totalKw;
    expect(await quoted(1)).to.equal(1);
    const { questions } = (await get('/questions')).body;
    expect(questions.map((one: { derId: string }) => one.derId).sort()).to.deep.equal(
      [0, 1, 2].map((more) => derIdOf(first + more)),
    );
    const of = (more: number) =>
      questions.find((one: { derId: string }) => one.derId === derIdOf(first + more)).questionId;
    expect((await post(`/questions/${of(0)}`, { answer: 'yes' })).status).to.equal(200);
    expect((await post(`/questions/${of(1)}`, { answer: 'no' })).status).to.equal(200);
    expect((await post(`/questions/${of(1)}`, { answer: 'yes' })).status).to.equal(409);
    expect((await get('/questions')).body.questions).to.have.length(1);
    const shown = async () => (await request(service.url).get('/api/v1/view/consent')).body as ConsentView;
    const [{ open, openInAll, over, devices }] = [await shown()];
    const answerByMs = bench.grid.nowMs() + 600_000;
    expect([openInAll, devices.ask]).to.deep.equal([1, 3]);
    expect(open[0]).to.deep.include({ derId: derIdOf(first + 2), state: 'open', answerByMs, answeredBy: null });
    expect(over.map(({ derId, state, answeredBy }) => [derId, state, answeredBy]).sort()).to.deep.equal([
      [derIdOf(first), 'yes', 'consumer-app'],
      [derIdOf(first + 1), 'no', 'consumer-app'],
    ]);
    expect(await excluded()).to.deep.equal([null, 'consent-declined', 'consent-asked', 'committed']);
    expect(await quoted(100)).to.be.closeTo(EXPECTED_KW, 0.1);
    await bench.advance(bench.grid.nowMs() + 600_000);
    await bench.report();
    expect((await excluded()).slice(1, 3)).to.deep.equal(['consent-declined', 'consent-unanswered']);
    const after = await shown();
    expect([after.openInAll, after.over.map(({ state }) => state).sort()]).to.deep.equal([
      0,
      ['no', 'unanswered', 'yes'],
    ]);
    const late = await post(`/questions/${of(2)}`, { answer: 'yes' });
    expect([late.status, late.body.error.message]).to.deep.equal([409, 'the time to answer is over']);
  });

  it('is what was decided last, also after a start that reads the same contracts again', async function () {
    thorough.call(this);
    await withdraw(first);
    const { body } = await request(service.url).get('/api/v1/view/consent');
    expect(body.withdrawals[0]).to.deep.include({ derId: derIdOf(first), by: 'consumer-app' });
    expect(JSON.stringify(body), 'reasons may say something of a person').to.not.contain('guests');
    await service.close();
    await bench.crash();
    await start();
    await bench.report();
    expect(await excluded()).to.deep.equal(['consent-expired', null, null, null]);
    const { history } = (await get(`/devices/${derIdOf(first)}`)).body;
    const told = history.filter((one: { subject: string }) => one.subject === 'consent');
    expect(told.map(({ by, reason }: { by: string; reason: string }) => [by, reason])).to.deep.equal([
      ['consumer-app', 'guests tonight'],
      ['portfolio', 'as the contract says'],
    ]);
    // A contract that says something else is a new consent.
    const renewed = portfolioOf(PER_FEEDER, 6).map((der) => ({
      ...der,
      consent: { ...der.consent, untilMs: der.consent.untilMs + DAY_MS },
    }));
    await service.close();
    await bench.crash();
    await start({}, { portfolio: renewed });
    await bench.report();
    expect(await excluded()).to.deep.equal([null, null, null, null]);
  });

  it('is refused where it makes no sense, and changes nothing', async () => {
    const path = `/devices/${derIdOf(first)}/consent`;
    const good = { from: iso(START_MS), until: iso(START_MS + DAY_MS), mode: 'automatic', reason: 'renewed' };
    const statuses = [];
    for (const change of [
      { until: good.from },
      { until: 'tomorrow' },
      { mode: 'always' },
      { reason: ' ' },
      { name: 'x' },
    ])
      statuses.push((await post(path, { ...good, ...change })).status);
    expect(statuses).to.deep.equal(Array(5).fill(400));
    expect((await post('/devices/ev-9999/withdraw', { reason: 'x' })).status).to.equal(404);
    const before = (await get(`/devices/${derIdOf(first)}`)).body.history.length;
    expect((await post(path, good)).status).to.equal(200);
    expect((await get(`/devices/${derIdOf(first)}`)).body.history).to.have.length(before + 1);
  });
});

const iso = (ms: number) => new Date(ms).toISOString();

it('consent that ended holds back a command that waited in memory, and no release', () => {
  const endMs = START_MS + HALF_HOUR_MS;
  const may = (type: string, untilMs: number) => {
    const rooms = { fleet: { get: () => ({ consent: { untilMs } }) } } as unknown as Rooms;
    const payload = { type, stop_at: iso(endMs) };
    return mayLeave(rooms, { derId: derIdOf(0), payload } as unknown as Outgoing);
  };
  expect(may('IMPORT_CAPACITY_LIMIT', endMs)).to.equal(true);
  expect(may('IMPORT_CAPACITY_LIMIT', endMs - 1)).to.equal(false);
  expect(may('RELEASE', endMs - 1)).to.equal(true);
});
