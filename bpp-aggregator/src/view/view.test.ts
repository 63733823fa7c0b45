import { tokenSha256 } from '@flexder/runtime/access/people.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import type { AggregatorService } from '../main.ts';
import { type Bench, openBench } from '../testing/bench.ts';
import { AGGREGATOR, feederOf, START_MS } from '../testing/portfolio.ts';
import { buy } from '../testing/purchase.ts';
import { earnedGbp } from './earnings.ts';
import type { CommandView } from './orders.ts';
import type { DeviceView } from './portfolio.ts';
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
    expect(order).to.include({ orderId, bapId: 'dso-1', state: 'IN_PROGRESS', earnedGbp: null });
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
    const page = await fetch(`${guarded.url}/dashboard`);
    expect([page.status, page.headers.get('content-security-policy')?.slice(0, 18)]).to.deep.equal([
      ...[200, "default-src 'none'"],
    ]);
    await guarded.close();
    await directory.close();
  });

  it('earns for what was delivered, at most what was promised, at the quoted price', () => {
    const order = (reductions: readonly number[]) => ({
      quote: {
        items: [
          { itemId: 'a', kw: 6, priceGbpPerKwh: 0.5 },
          { itemId: 'b', kw: 2, priceGbpPerKwh: 0.1 },
        ],
      },
      committed_kw: 8,
      window_start_at: new Date(0),
      window_end_at: new Date(3_600_000),
      performance: {
        intervals: reductions.map((reductionKw, index) => ({ startMs: index * 1_800_000, reductionKw })),
      },
    });
    const earned = (...reductions: number[]) => earnedGbp(order(reductions) as never);
    expect(earned(8, 8)).to.equal(3.2);
    expect(earned(4, 4)).to.equal(1.6);
    expect([earned(80, 0), earned(8, -100)]).to.deep.equal([1.6, 1.6]);
    expect(earnedGbp({ ...order([]), performance: null } as never)).to.equal(null);
  });
});
