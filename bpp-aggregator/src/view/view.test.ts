import { tokenSha256 } from '@flexder/runtime/access/people.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import type { AggregatorService } from '../main.ts';
import { type Bench, openBench } from '../testing/bench.ts';
import { AGGREGATOR, derIdOf, feederOf, START_MS } from '../testing/portfolio.ts';
import { buy } from '../testing/purchase.ts';
import type { CommandView } from './orders.ts';
import type { DeviceView } from './portfolio.ts';
import type { ProgrammeView, SubscriptionsView } from './programmes.ts';
import type { Overview } from './routes.ts';

const FEEDER = feederOf(0);
const JSON_TYPE = { 'content-type': 'application/json' };
const TOKEN = 'a-token-of-the-aggregator';

describe('the aggregator’s view of itself', () => {
  let bench: Bench;
  let service: AggregatorService;
  before(async function () {
    thorough.call(this);
    bench = await openBench({ ders: 4 });
    service = await bench.start();
    await bench.report();
  });
  after(async () => {
    await service?.close();
    await bench?.close();
  });

  const read = async (path: string, headers: Record<string, string> = {}, from = service) => {
    const answer = await fetch(`${from.url}${path}`, { headers });
    return { status: answer.status, body: (await answer.json()) as { devices: DeviceView[]; commands: CommandView[] } };
  };
  /** One answer is everybody's for half a second. */
  const overview = async () => {
    await bench.context.wall.sleep(510);
    return (await read('/api/v1/view/overview')).body as unknown as Overview;
  };

  it('adds devices up by feeder and type, with why some are not offered', async () => {
    const [holding] = (await overview()).holdings;
    expect(holding).to.include({ feederId: FEEDER, devices: 4, online: 4, available: 4 });
    expect(holding?.excluded).to.deep.equal({});
    await bench.grid.advanceTo(START_MS + 600_000);
    const [stale] = (await overview()).holdings;
    expect([stale?.available, stale?.excluded]).to.deep.equal([0, { 'stale-telemetry': 4 }]);
    await bench.report();
    const { body } = await read(`/api/v1/view/feeders/${FEEDER}`);
    expect(body.devices).to.have.length(4);
    expect(JSON.stringify(body)).to.not.match(/\d{13}/);
    expect((await read('/api/v1/view/feeders/nobody')).status).to.equal(404);
  });

  it('says where it stands with the network, and who asked', async () => {
    const { onboarding, mode, aggregator } = await overview();
    expect([mode, aggregator.id]).to.deep.equal(['SIMULATION', AGGREGATOR]);
    expect(onboarding).to.include({ subscriberId: AGGREGATOR, registryAnswers: true });
    expect(onboarding.entry).to.include({ status: 'SUBSCRIBED', keyIsOurs: true });
    expect(onboarding.lastChallenge).to.include({ answered: true });
    const refused = await fetch(`${service.url}/beckn/search`, { method: 'POST', body: '{}', headers: JSON_TYPE });
    expect(refused.status).to.equal(401);
    // Nobody asked for it: no challenge is answered out of turn.
    await fetch(`${service.url}/beckn/on_subscribe`, { method: 'POST', body: '{"challenge":"x"}', headers: JSON_TYPE });
    await bench.until('the refusal on record', async () => (await overview()).onboarding.searches.length > 0);
    const after = (await overview()).onboarding;
    expect(after.searches[0]).to.include({ action: 'search', from: null });
    expect(after.searches[0]?.code).to.match(/^AUT_/);
    expect(after.lastChallenge).to.include({ answered: false });
    expect(after.lastChallenge?.refusal).to.contain('no subscription of this participant is under way');
  });

  it('shows an order with what was promised, acknowledged and measured, and each device’s answer', async () => {
    const startMs = bench.grid.nowMs();
    const window = { startMs, endMs: startMs + 1_800_000 };
    const { orderId } = await buy(bench, bench.world.bap('dso-1'), { feeder: FEEDER, kw: 8, window });
    await bench.until('the answers', async () => {
      const { accepted, commands } = (await overview()).orders[0]!.devices;
      return accepted > 0 && accepted === commands;
    });
    await bench.advance(startMs + 30_000);
    await bench.report(() => 1);
    const [order] = (await overview()).orders;
    expect(order).to.include({ orderId, bapId: 'dso-1', state: 'IN_PROGRESS', paidGbp: null });
    expect(order?.acknowledgedKw).to.be.above(0);
    expect(order?.measuredKw).to.be.above(0);
    expect((await overview()).holdings[0]?.excluded.committed).to.equal(order?.devices.commands);
    const { body } = await read(`/api/v1/view/orders/${orderId}`);
    expect(body.commands.map(({ answer }) => answer)).to.deep.equal(Array(order?.devices.commands).fill('ACCEPTED'));
    expect((await read('/api/v1/view/orders/nobody')).status).to.equal(404);
  });

  it('shows nothing without the token, where there is one, nor to other pages', async () => {
    expect((await read('/api/v1/view/overview', { 'sec-fetch-site': 'cross-site' })).status).to.equal(403);
    const directory = await openBench({ ders: 1 });
    const vera = { name: 'vera', role: 'viewer' as const, tokenSha256: tokenSha256('token-of-vera') };
    const guarded = await directory.start({}, { operatorToken: TOKEN, operators: [vera] });
    for (const path of ['/api/v1/view/overview', `/api/v1/view/feeders/${FEEDER}`, '/api/v1/view/orders/x']) {
      expect((await read(path, {}, guarded)).status, path).to.equal(401);
      expect((await read(path, { authorization: `Bearer ${TOKEN}x` }, guarded)).status, path).to.equal(401);
    }
    expect((await read('/api/v1/view/overview', { authorization: `Bearer ${TOKEN}` }, guarded)).status).to.equal(200);
    const asVera = await read('/api/v1/view/overview', { authorization: 'Bearer token-of-vera' }, guarded);
    expect(asVera.status).to.equal(200);
    const session = (headers: Record<string, string>) => read('/api/v1/view/session', headers, guarded);
    expect((await session({ authorization: 'Bearer token-of-vera' })).body).to.deep.equal({
      ...{ name: 'vera', role: 'viewer' },
    });
    expect((await session({})).body).to.deep.equal({ name: null, role: null });
    const page = await fetch(`${guarded.url}/dashboard`);
    expect([page.status, page.headers.get('content-security-policy')?.slice(0, 18)]).to.deep.equal([
      ...[200, "default-src 'none'"],
    ]);
    await guarded.close();
    await directory.close();
  });

  it('lists programmes with what takes part, and the devices of one', async () => {
    const { programmes } = (await read('/api/v1/view/programmes')).body as unknown as { programmes: ProgrammeView[] };
    expect(programmes).to.have.length(1);
    expect(programmes[0]).to.include({ programmeId: 'standard', devices: 4, consumers: 4 });
    const one = (await read('/api/v1/view/programmes/standard')).body as unknown as SubscriptionsView;
    expect([one.inAll, one.subscriptions.map(({ derId }) => derId)]).to.deep.equal([4, [0, 1, 2, 3].map(derIdOf)]);
    expect((await read('/api/v1/view/programmes/none')).status).to.equal(404);
  });

  it('reckons a completed order once, with the figures of the statement', async () => {
    await bench.advance(START_MS + 3 * 3_600_000);
    await bench.until('the completion', async () => (await overview()).orders[0]?.state === 'COMPLETED');
    const { orders, earnings, earningsWaiting } = await overview();
    // No meter has a history here: nothing is proved, and nothing is paid.
    expect([orders[0]?.paidGbp, earnings[0]?.paid_gbp, earningsWaiting]).to.deep.equal(['0.00', '0.00', 0]);
    expect(earnings[0]).to.include({ date: '2026-01-15', orders: 1, agreedKwh: orders[0]!.promisedKw / 2 });
  });
});
