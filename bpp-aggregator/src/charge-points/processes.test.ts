import { type Balancer, startBalancer } from '@flexder/runtime/testing/balancer.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { type Bench, openBench } from '../testing/bench.ts';
import { connectRaw, meterValue, type RawChargePoint } from '../testing/charge-point.ts';
import { POWER_KW } from '../testing/fleet.ts';
import { type Mortal, startMortal } from '../testing/mortal.ts';
import { AGGREGATOR, derIdOf, feederOf } from '../testing/portfolio.ts';
import { buy, buyInit, buyQuote, confirmation, reports } from '../testing/purchase.ts';

const PASSWORD = 'MDEyMzQ1Njc4OTAxMjM0NTY3';
const FEEDERS = 4;
const HALF_HOUR_MS = 1_800_000;

describe('charge points of an aggregator with two processes', function () {
  this.timeout(60_000);
  let bench: Bench;
  let balancer: Balancer;
  let one: Mortal;
  let other: Mortal;
  let place = -1;
  const points: RawChargePoint[] = [];
  const ask = () => {
    const startMs = bench.grid.nowMs();
    return { feeder: feederOf(place), kw: 6, window: { startMs, endMs: startMs + HALF_HOUR_MS } };
  };
  const buyer = () => bench.world.bap(`dso-${place}`);
  const dispatchOf = (transactionId: string) => reports(bench, transactionId).at(-1)?.dispatch;
  const connect = async ({ service }: Mortal) => {
    const point = await connectRaw(String(service.ocppUrl), { identity: derIdOf(place), password: PASSWORD });
    points.push(point);
    return point;
  };
  const online = async ({ service }: Mortal) => {
    const body = (await (await fetch(`${service.url}/api/v1/portfolio`)).json()) as {
      feeders: { ders: { derId: string; online: boolean; excluded: string | null }[] }[];
    };
    return body.feeders.flatMap(({ ders }) => ders).find(({ derId }) => derId === derIdOf(place));
  };
  const charging = async (point: RawChargePoint, ...seenBy: Mortal[]) => {
    await point.call('MeterValues', { evseId: 1, meterValue: [meterValue(bench.grid.nowMs(), POWER_KW, 1_000)] });
    for (const process of seenBy)
      await bench.until('its reading', async () => (await online(process))?.excluded === null);
  };

  before(async function () {
    thorough.call(this);
    bench = await openBench({ ders: 1, feeders: FEEDERS });
    balancer = await startBalancer();
    const accounts = Array.from({ length: FEEDERS }, (_, index) => ({
      username: `der/${AGGREGATOR}/${derIdOf(index)}`,
      password: PASSWORD,
    }));
    const ocpp = { host: '127.0.0.1', port: 0, accounts };
    one = await startMortal(bench, balancer, { ocpp });
    other = await startMortal(bench, balancer, { ocpp });
  });

  beforeEach(() => {
    place++;
    // Every message goes to the process that no charge point is connected to at first.
    balancer.backends = [other.service.url];
  });

  afterEach(async () => {
    for (const point of points.splice(0)) await point.close();
  });

  after(async () => {
    await one?.close();
    await other?.close();
    await balancer?.close();
    await bench?.close();
  });

  it('what one process sells is commanded by the process that holds the connection', async () => {
    const point = await connect(one);
    await charging(point, one, other);
    const { transactionId } = await buy(bench, buyer(), ask());
    await bench.until('its answer', () => dispatchOf(transactionId)?.closed === true);
    expect(dispatchOf(transactionId)).to.deep.include({ commands: 1, accepted: 1 });
    expect(point.named('SetChargingProfile')).to.have.length(1);
    expect(bench.fleet.received).to.deep.equal([]);
  });

  it('a charge point that comes to another process leaves the first', async () => {
    const first = await connect(one);
    const second = await connect(other);
    expect(await first.closed).to.equal(1000);
    await charging(second, one, other);
    const { transactionId } = await buy(bench, buyer(), ask());
    await bench.until('its answer', () => dispatchOf(transactionId)?.closed === true);
    expect(second.named('SetChargingProfile')).to.have.length(1);
    expect(first.named('SetChargingProfile')).to.deep.equal([]);
  });

  it('commands wait in the tables while it is connected nowhere', async () => {
    const first = await connect(one);
    await charging(first, one, other);
    const transactionId = bench.world.newId();
    const dso = buyer();
    const { quote, firm } = await buyQuote(bench, dso, ask(), transactionId);
    const orderId = await buyInit(bench, dso, transactionId, firm!);
    first.cut();
    await bench.until('its going', async () => (await online(other))?.online === false);
    await dso.send('confirm', confirmation(firm!, quote!, orderId, bench.context.wall.nowMs()), { transactionId });
    await bench.world.next('on_confirm', transactionId);
    const second = await connect(other);
    await bench.until('its answer', () => dispatchOf(transactionId)?.closed === true);
    expect(dispatchOf(transactionId)).to.deep.include({ commands: 1, accepted: 1 });
    expect(second.named('SetChargingProfile')).to.have.length(1);
    expect(bench.fleet.received).to.deep.equal([]);
  });

  it('a process that dies between call and answer leaves its charge points to the others', async () => {
    const first = await connect(one);
    first.onCall = () => undefined;
    await charging(first, one, other);
    const { transactionId } = await buy(bench, buyer(), ask());
    await bench.until('the call', () => first.named('SetChargingProfile').length === 1);
    one.kill();
    await first.closed;
    const second = await connect(other);
    await bench.until('its answer', () => dispatchOf(transactionId)?.closed === true);
    expect(dispatchOf(transactionId)).to.deep.include({ commands: 1, accepted: 1 });
    expect(second.named('SetChargingProfile').map((frame) => frame[3])).to.deep.equal(
      first.named('SetChargingProfile').map((frame) => frame[3]),
    );
  });
});
