import { encodeCancel } from '@flexder/protocol/flexibility/codec-v1.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import type { AggregatorService } from '../main.ts';
import { type Bench, openBench } from '../testing/bench.ts';
import { connect16, connectRaw, meterValue, type RawChargePoint } from '../testing/charge-point.ts';
import { POWER_KW } from '../testing/fleet.ts';
import { derIdOf, feederOf, portfolioOf } from '../testing/portfolio.ts';
import { buy, reports } from '../testing/purchase.ts';
import type { Buyer } from '../testing/world.ts';

const HALF_HOUR_MS = 1_800_000;
const FEEDERS = 8;
/** Two chargers on each feeder: the first speaks OCPP, the second MQTT. */
const DERS = 2;

describe('charge points', function () {
  this.timeout(60_000);
  let bench: Bench;
  let service: AggregatorService;
  let buyer: Buyer;
  let passwords: Map<string, string>;
  let feeder = -1;
  let id = '';
  const open: { close(): unknown }[] = [];
  const keep = <P extends { close(): unknown }>(part: P) => {
    open.push(part);
    return part;
  };
  const url = () => String(service.ocppUrl);
  const login = () => ({ identity: id, password: String(passwords.get(id)) });
  const now = () => bench.grid.nowMs();
  const count = (name: string, labels: Record<string, string> = {}) => bench.context.metrics.total(name, labels);
  const online = async () => {
    const body = (await (await fetch(`${service.url}/api/v1/portfolio`)).json()) as {
      feeders: {
        ders: { derId: string; online: boolean; powerKw: number; shedKw: number; excluded: string | null }[];
      }[];
    };
    return body.feeders.flatMap((one) => one.ders).find((der) => der.derId === id);
  };
  const seen = (what: string, holds: (der: Awaited<ReturnType<typeof online>>) => boolean) =>
    bench.until(what, async () => holds(await online()));
  const start = async () => {
    service = await bench.start({}, { ocpp: { host: '127.0.0.1', port: 0, accounts: [] } });
  };
  /** A charging car at the charge point of this test. */
  const charging = async (point: RawChargePoint) => {
    await point.call('TransactionEvent', {
      eventType: 'Updated',
      timestamp: new Date(now()).toISOString(),
      triggerReason: 'MeterValuePeriodic',
      seqNo: 1,
      transactionInfo: { transactionId: 't-1', chargingState: 'Charging' },
      evse: { id: 1 },
      meterValue: [meterValue(now(), POWER_KW, 1_000)],
    });
    await seen('its reading', (der) => der?.excluded === null);
  };
  /** 6 kW: one charger. */
  const order = (kw = 6) =>
    buy(bench, buyer, { feeder: feederOf(feeder), kw, window: { startMs: now(), endMs: now() + HALF_HOUR_MS } });
  const dispatchOf = (transactionId: string) => reports(bench, transactionId).at(-1)?.dispatch;

  before(async function () {
    thorough.call(this);
    bench = await openBench({ ders: DERS, feeders: FEEDERS, onDisk: true, settings: { answerDeadlineS: 15 } });
    await start();
    buyer = bench.world.bap('dso-1');
    const accounts = await service.enrol(portfolioOf(DERS, FEEDERS) as never);
    passwords = new Map(accounts.map(({ username, password }) => [String(username.split('/').at(-1)), password]));
  });

  beforeEach(() => {
    feeder++;
    id = derIdOf(feeder * DERS);
  });

  afterEach(async () => {
    for (const part of open.splice(0)) await part.close();
  });

  after(async () => {
    await service?.close();
    await bench?.close();
  });

  it('1.6 (ocpp-ts): select, confirm, SetChargingProfile, Accepted, counted, released', async () => {
    const client = await connect16(url(), id, String(passwords.get(id)));
    const profiles: unknown[] = [];
    const cleared: unknown[] = [];
    const changed: unknown[] = [];
    client.on('GetConfiguration', (_request, answer) =>
      answer({
        configurationKey: [
          { key: 'ChargingScheduleAllowedChargingRateUnit', readonly: true, value: 'Current' },
          { key: 'MeterValueSampleInterval', readonly: false, value: '900' },
        ],
      }),
    );
    client.on('ChangeConfiguration', (request, answer) => {
      changed.push(request);
      answer({ status: 'Accepted' });
    });
    client.on('SetChargingProfile', (request, answer) => {
      profiles.push(request);
      answer({ status: 'Accepted' });
    });
    client.on('ClearChargingProfile', (request, answer) => {
      cleared.push(request);
      answer({ status: 'Accepted' });
    });
    const booted = await client.callRequest('BootNotification', { chargePointVendor: 'v', chargePointModel: 'm' });
    expect(booted).to.deep.equal({ status: 'Accepted', currentTime: new Date(now()).toISOString(), interval: 60 });
    await bench.until('its configuration', () => changed.length === 1);
    expect(changed).to.deep.equal([{ key: 'MeterValueSampleInterval', value: '60' }]);
    const timestamp = new Date(now() - 60_000).toISOString();
    const { transactionId, idTagInfo } = await client.callRequest('StartTransaction', {
      ...{ connectorId: 1, idTag: 'tag', meterStart: 1_000_000, timestamp },
    });
    expect(idTagInfo).to.deep.equal({ status: 'Accepted' });
    await client.callRequest('MeterValues', {
      connectorId: 1,
      transactionId,
      meterValue: [
        {
          timestamp: new Date(now()).toISOString(),
          sampledValue: [
            { value: '7000', measurand: 'Power.Active.Import', unit: 'W' },
            { value: '1000100', measurand: 'Energy.Active.Import.Register', unit: 'Wh' },
          ],
        },
      ],
    });
    await seen('its reading', (der) => der?.excluded === null);
    expect(await online()).to.include({ online: true, powerKw: 7, shedKw: 7 });

    const bought = await order();
    await bench.until('its answer', () => dispatchOf(bought.transactionId)?.closed === true);
    expect(dispatchOf(bought.transactionId)).to.deep.include({ commands: 1, accepted: 1, rejected: 0, silent: 0 });
    expect(bench.fleet.received).to.deep.equal([]);
    const [set] = profiles as { connectorId: number; csChargingProfiles: Record<string, unknown> }[];
    expect(set?.connectorId).to.equal(0);
    expect(set?.csChargingProfiles).to.include({ chargingProfilePurpose: 'ChargePointMaxProfile' });
    expect(set?.csChargingProfiles.chargingSchedule).to.deep.include({
      startSchedule: new Date(now()).toISOString(),
      duration: HALF_HOUR_MS / 1000,
      chargingSchedulePeriod: [{ startPeriod: 0, limit: 0, numberPhases: 1 }],
    });

    await buyer.send('cancel', encodeCancel({ orderId: bought.orderId, reasonId: '001', note: 'not needed' }), {
      transactionId: bought.transactionId,
    });
    await bench.until('its release', () => cleared.length === 1);
    expect(cleared).to.deep.equal([{ id: set?.csChargingProfiles.chargingProfileId }]);
    await bench.until('its stored answer', async () => count('device_answers') === 2);
    client.removeAllListeners('error');
  });

  it('2.0.1: the same, by frames; a car that leaves draws nothing', async () => {
    const point = keep(await connectRaw(url(), login()));
    expect(point.protocol).to.equal('ocpp2.0.1');
    point.onCall = ([, , action]) =>
      action === 'GetVariables'
        ? {
            getVariableResult: [
              {
                attributeStatus: 'Accepted',
                attributeValue: 'W',
                component: { name: 'SmartChargingCtrlr' },
                variable: { name: 'RateUnit' },
              },
            ],
          }
        : { status: 'Accepted' };
    const reply = await point.call('BootNotification', {
      reason: 'PowerUp',
      chargingStation: { model: 'm', vendorName: 'v' },
    });
    expect(reply.status).to.equal('Accepted');
    await charging(point);
    const bought = await order();
    await bench.until('its answer', () => dispatchOf(bought.transactionId)?.closed === true);
    expect(dispatchOf(bought.transactionId)).to.deep.include({ commands: 1, accepted: 1 });
    const [[, , , payload] = []] = point.named('SetChargingProfile') as never as [number, string, string, never][];
    expect(payload).to.deep.include({ evseId: 0 });
    expect((payload as { chargingProfile: object } | undefined)?.chargingProfile).to.include({
      chargingProfilePurpose: 'ChargingStationMaxProfile',
    });
    await bench.advance(now() + 1_000);
    await point.call('StatusNotification', {
      ...{ timestamp: new Date(now()).toISOString(), evseId: 1, connectorId: 1, connectorStatus: 'Available' },
    });
    await seen('the pause', (der) => der?.powerKw === 0);
    await point.close();
    await seen('its going', (der) => der?.online === false);
  });

  it('what it refuses is refused, and what it cannot do is refused with its reason; each once', async () => {
    const point = keep(await connectRaw(url(), login()));
    point.onCall = ([, messageId, action]) => {
      if (action !== 'SetChargingProfile') return {};
      // Twice: the second is an answer to nothing.
      point.send([4, messageId, 'NotSupported', 'no', {}]);
      point.send([3, messageId, { status: 'Accepted' }]);
      return undefined;
    };
    await charging(point);
    const noOcpp = count('ocpp_message_dropped', { reason: 'no-ocpp' });
    const bought = await order();
    await bench.until('its answer', () => dispatchOf(bought.transactionId)?.closed === true);
    expect(dispatchOf(bought.transactionId)).to.deep.include({ commands: 1, accepted: 0, rejected: 1, silent: 0 });
    expect(point.named('SetChargingProfile')).to.have.length(1);
    await bench.until('the count', () => count('ocpp_message_dropped', { reason: 'no-ocpp' }) === noOcpp + 1);
    expect(point.isClosed).to.equal(false);
  });

  it('one that is gone between call and answer is asked again when it comes back in time, and counts once', async function () {
    thorough.call(this);
    const first = keep(await connectRaw(url(), login()));
    first.onCall = () => undefined;
    await charging(first);
    const bought = await order();
    await bench.until('the call', () => first.named('SetChargingProfile').length === 1);
    first.cut();
    await seen('its going', (der) => der?.online === false);
    const second = keep(await connectRaw(url(), login()));
    await bench.until('its answer', () => dispatchOf(bought.transactionId)?.closed === true);
    expect(dispatchOf(bought.transactionId)).to.deep.include({ commands: 1, accepted: 1, silent: 0 });
    const profileOf = (point: RawChargePoint) => point.named('SetChargingProfile').map((frame) => frame[3]);
    expect(profileOf(second)).to.deep.equal(profileOf(first));
  });

  it('one that does not answer is silent; nothing is sent after valid_until', async function () {
    thorough.call(this);
    const point = keep(await connectRaw(url(), login()));
    point.onCall = () => undefined;
    await charging(point);
    const bought = await order();
    await bench.until('the call', () => point.named('SetChargingProfile').length === 1);
    await bench.advance(now() + 16_000);
    await bench.until('the deadline', () => dispatchOf(bought.transactionId)?.closed === true);
    expect(dispatchOf(bought.transactionId)).to.deep.include({ commands: 1, accepted: 0, rejected: 0, silent: 1 });
    const again = keep(await connectRaw(url(), login()));
    await again.call('Heartbeat', {});
    await again.call('Heartbeat', {});
    expect(again.named('SetChargingProfile')).to.deep.equal([]);
  });

  it('a new connection replaces the old, and has its commands', async function () {
    thorough.call(this);
    const first = keep(await connectRaw(url(), login()));
    await charging(first);
    const second = keep(await connectRaw(url(), login()));
    expect(await first.closed).to.equal(1000);
    await charging(second).catch(() => {});
    expect(await online()).to.include({ online: true });
    const bought = await order();
    await bench.until('its answer', () => dispatchOf(bought.transactionId)?.closed === true);
    expect(first.named('SetChargingProfile')).to.deep.equal([]);
    expect(second.named('SetChargingProfile')).to.have.length(1);
  });

  it('answers and commands survive a restart of the aggregator', async function () {
    thorough.call(this);
    const point = keep(await connectRaw(url(), login()));
    point.onCall = () => undefined;
    await charging(point);
    const bought = await order();
    await bench.until('the call', () => point.named('SetChargingProfile').length === 1);
    await service.close();
    expect(await point.closed).to.be.oneOf([1001, 1006]);
    await bench.crash();
    await start();
    const again = keep(await connectRaw(url(), login()));
    await bench.until('its answer', () => dispatchOf(bought.transactionId)?.closed === true);
    expect(dispatchOf(bought.transactionId)).to.deep.include({ commands: 1, accepted: 1 });
    expect(again.named('SetChargingProfile')).to.have.length(1);
  });
});
