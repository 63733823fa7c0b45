import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { certificateAuthority, readPem } from '@flexder/runtime/testing/certificates.ts';
import { needsEngine } from '@flexder/runtime/testing/engine.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { parseConfig } from '../config.ts';
import { configFromEnv } from '../config-env.ts';
import type { AggregatorService } from '../main.ts';
import { type Bench, openBench } from '../testing/bench.ts';
import { connectRaw, meterValue, type RawOptions } from '../testing/charge-point.ts';
import { AGGREGATOR, derIdOf, portfolioOf } from '../testing/portfolio.ts';
import { OCPP_LIMITS } from './limits.ts';

/** 18 random bytes in base64url, as enrolment gives them. */
const PASSWORD = 'MDEyMzQ1Njc4OTAxMjM0NTY3';
const account = (aggregator: string, derId: string) => ({
  username: `der/${aggregator}/${derId}`,
  password: PASSWORD,
  publish: [],
  subscribe: [],
});

describe('the door of charge points', function () {
  this.timeout(60_000);
  before(thorough);
  let bench: Bench;
  let service: AggregatorService;
  const good = { identity: derIdOf(0), password: PASSWORD };
  const url = () => String(service.ocppUrl);
  const count = (name: string, labels: Record<string, string>) => bench.context.metrics.total(name, labels);
  const told = (options: RawOptions, at = url()) =>
    connectRaw(at, options).then(
      async (point) => {
        await point.close();
        return 'let in';
      },
      (error: Error) => error.message,
    );
  const time = () => new Date(bench.grid.nowMs()).toISOString();

  before(async () => {
    bench = await openBench({ ders: 2 });
    const [charger, battery] = portfolioOf(2) as [object, object];
    const accounts = [
      account(AGGREGATOR, derIdOf(0)),
      account(AGGREGATOR, 'bat-1'),
      account(AGGREGATOR, 'never-enrolled'),
      account('agg-2', 'ev-9'),
    ];
    service = await bench.start(
      {},
      {
        portfolio: [charger, { ...battery, derId: 'bat-1', type: 'battery' }] as never,
        ocpp: { host: '127.0.0.1', port: 0, accounts },
      },
    );
  });

  after(async () => {
    await service?.close();
    await bench?.close();
  });

  it('lets in a charger of ours with its own password, and nobody else', async () => {
    expect(await told(good)).to.equal('let in');
    expect(await told({ ...good, protocol: 'ocpp1.6' })).to.equal('let in');
    for (const [who, options] of Object.entries({
      'a wrong password': { ...good, password: `${PASSWORD}x` },
      'an empty password': { ...good, password: '' },
      'no password': { identity: good.identity },
      'an identity that is nobody': { ...good, identity: 'ev-7777' },
      'an account without a device': { ...good, identity: 'never-enrolled' },
      "another aggregator's device": { ...good, identity: 'ev-9' },
      'a battery': { ...good, identity: 'bat-1' },
    }))
      expect(await told(options), who).to.equal('refused with 401');
    expect(count('ocpp_refused', { reason: 'login' })).to.equal(7);
  });

  it('refuses who speaks no OCPP, or calls at another place, and survives an address that is none', async () => {
    expect(await told({ ...good, protocol: '' })).to.equal('refused with 400');
    expect(await told({ ...good, protocol: 'mqtt' })).to.equal('refused with 400');
    expect(await told(good, url().replace('/ocpp', '/else'))).to.equal('refused with 404');
    for (const path of ['/%E0%A4%A', '/ocpp/%E0%A4%A', '/ocpp/', `/ocpp/${'x'.repeat(65)}`, '/ocpp/a%2fb']) {
      const status = await new Promise((resolve, reject) => {
        const { hostname, port } = new URL(url());
        const headers = { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
        httpRequest({ hostname, port, path, headers }, (response) => resolve(response.resume().statusCode))
          .on('error', reject)
          .end();
      });
      expect(status, path).to.equal(404);
    }
    expect(await told(good)).to.equal('let in');
  });

  it('drops what is no OCPP, and who says nothing else', async () => {
    const point = await connectRaw(url(), good);
    const before = count('ocpp_message_dropped', { reason: 'no-ocpp' });
    const rubbish = [
      '{',
      '[]',
      '{"a":1}',
      '[9,"x"]',
      '[3,"never-asked",{"status":"Accepted"}]',
      '[4,"never","a","b",{}]',
    ];
    for (const frame of rubbish) point.send(frame);
    expect(await point.call('Heartbeat', {})).to.deep.equal({ currentTime: time() });
    expect(count('ocpp_message_dropped', { reason: 'no-ocpp' }) - before).to.equal(rubbish.length);
    for (let i = 0; i <= OCPP_LIMITS.badMessages; i++) point.send('{');
    expect(await point.closed).to.equal(1002);
  });

  it('answers a message that breaks its schema with an error, and takes nothing from it', async () => {
    const point = await connectRaw(url(), good);
    const failure = await point
      .call('MeterValues', { evseId: 'one', meterValue: [] })
      .catch((error: Error) => error.message);
    expect(failure).to.match(/Violation|Error/);
    expect(await point.call('Nonsense', {}).catch((error: Error) => error.message)).to.equal('NotImplemented');
    await point.close();
  });

  it('a reading that cannot be is counted and not believed', async () => {
    const point = await connectRaw(url(), good);
    const report = (kw: number, atMs: number) =>
      point.call('MeterValues', { evseId: 1, meterValue: [meterValue(atMs, kw, 1_000)] });
    const dropped = (reason: string) => count('device_message_dropped', { kind: 'telemetry', reason });
    const startMs = bench.grid.nowMs();
    await report(100, startMs);
    expect(dropped('beyond-rating')).to.equal(1);
    await report(7, startMs + 600_000);
    expect(dropped('clock')).to.equal(1);
    await point.close();
  });

  it('ends a connection with a frame that is too large', async () => {
    const point = await connectRaw(url(), good);
    point.send(`[2,"1","DataTransfer",{"vendorId":"${'x'.repeat(OCPP_LIMITS.messageBytes)}"}]`);
    expect(await point.closed).to.equal(1009);
    expect(await told(good)).to.equal('let in');
  });

  it('ends a connection that floods', async () => {
    const point = await connectRaw(url(), good);
    for (let i = 0; i < OCPP_LIMITS.messagesAtOnce * 2; i++) point.send(`[2,"${i}","Heartbeat",{}]`);
    await point.closed;
    expect(count('ocpp_closed', { reason: 'flood' })).to.equal(1);
    expect(await told(good)).to.equal('let in');
  });
});

describe('the configuration of charge points', () => {
  const settings = {
    ...{ host: '127.0.0.1', port: 0, subscriberId: 'agg-1', name: 'One', providerId: 'agg-1', portfolio: [] },
    registryUrl: 'http://127.0.0.1:4000',
    busCredentials: { username: 'a', password: 'b' },
  };
  const refusal = (ocpp: unknown, networkProfile = 'strict') => {
    try {
      parseConfig({ ...settings, networkProfile, ocpp });
      return 'taken';
    } catch (error) {
      return (error as Error).message;
    }
  };

  it('is off without a port, and needs one', () => {
    expect(parseConfig(settings).ocpp).to.equal(undefined);
    expect(refusal({ host: '127.0.0.1' })).to.match(/ocpp.port: must be the port/);
    expect(() => configFromEnv({ FLEXDER_BPP_OCPP_HOST: '127.0.0.1' })).to.throw(/FLEXDER_BPP_OCPP_PORT/);
  });

  it('strict: nothing in the clear beyond this machine', () => {
    expect(refusal({ port: 9000 })).to.equal('taken');
    expect(refusal({ port: 9000, host: '0.0.0.0' })).to.match(/passwords and commands travel in the clear/);
    expect(refusal({ port: 9000, host: '0.0.0.0' }, 'sandbox')).to.equal('taken');
  });

  it('a certificate and its key go together', () => {
    expect(refusal({ port: 9000, key: '-----BEGIN PRIVATE KEY-----' })).to.match(/give both or neither/);
    expect(refusal({ port: 9000, cert: 'no', key: 'no' })).to.match(/must be a certificate in PEM/);
  });

  describe('wss', () => {
    before(needsEngine('OpenSSL', 'openssl'));

    it('serves Security Profile 2 with a certificate', async function () {
      this.timeout(60_000);
      const folder = await mkdtemp(join(tmpdir(), 'flexder-ocpp-'));
      const authority = certificateAuthority(folder, 'charge-points');
      const files = authority.issue('localhost', ['IP:127.0.0.1']);
      const tls = { cert: readPem(files.cert), key: readPem(files.key) };
      expect(refusal({ port: 9000, host: '0.0.0.0', ...tls })).to.equal('taken');
      const bench = await openBench({ ders: 1 });
      const accounts = [account(AGGREGATOR, derIdOf(0))];
      const service = await bench.start({}, { ocpp: { host: '127.0.0.1', port: 0, accounts, ...tls } });
      const options = { identity: derIdOf(0), password: PASSWORD };
      const point = await connectRaw(String(service.ocppUrl), { ...options, ca: readPem(authority.ca) });
      expect(service.ocppUrl).to.match(/^wss:/);
      expect((await point.call('Heartbeat', {})).currentTime).to.be.a('string');
      const untrusting = await connectRaw(String(service.ocppUrl), options).catch((error: Error) => error);
      expect(untrusting).to.be.instanceOf(Error);
      await point.close();
      await service.close();
      await bench.close();
      await rm(folder, { recursive: true, force: true });
    });
  });
});
