import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { isThorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { configure } from '../settings/configure.ts';
import { makePlan, type Plan, serviceNames } from './plan.ts';
import { freePorts, planIn, portsFrom, writePlan } from './plan-folder.ts';

const NOW_MS = Date.parse('2026-06-01T12:10:00Z');

describe('plan of a sandbox of several processes', () => {
  let dir: string;
  let plan: Plan;
  let secrets = 0;
  const names = serviceNames({ bpps: 2 });

  before(() => {
    dir = join(mkdtempSync(join(tmpdir(), 'flexder-plan-')), 'plan');
    const secret = () => `secret-${++secrets}`;
    const size = { seed: 1, ders: 18, feeders: 3, bpps: 2 };
    const options = { ...size, dir, nowMs: NOW_MS, bapHost: '127.0.0.1', telemetrySeconds: 60, secret };
    plan = makePlan(options, portsFrom(5000, names));
    writePlan(dir, plan);
  });
  after(() => rmSync(join(dir, '..'), { recursive: true }));

  const envOf = (name: string) => {
    const { env } = plan.services.find((service) => service.name === name)!;
    return parseEnv(plan.files.find(({ path }) => path === env)!.text) as Record<string, string>;
  };

  it('names every service with its kind and addresses', () => {
    expect(plan.services.map(({ kind, url, health }) => [kind, url, health])).to.deep.equal([
      ['registry', 'http://127.0.0.1:5001', 'http://127.0.0.1:5101'],
      ['gateway', 'http://127.0.0.1:5002', 'http://127.0.0.1:5102'],
      ['broker', 'mqtt://127.0.0.1:5003', 'http://127.0.0.1:5103'],
      ['bap', 'http://127.0.0.1:5000', 'http://127.0.0.1:5100'],
      ['bpp', 'http://127.0.0.1:5004', 'http://127.0.0.1:5104'],
      ['bpp', 'http://127.0.0.1:5005', 'http://127.0.0.1:5105'],
      ['fleet', '', 'http://127.0.0.1:5106'],
    ]);
  });

  it('each service accepts its environment as complete', async () => {
    for (const { name, kind } of plan.services) {
      const { config } = await configure(kind, envOf(name));
      expect(config.dataDir).to.equal(join(dir, 'data', name));
    }
  });

  it('with a monitor at the edge it is that which listens to the feeders', async () => {
    const eventsUrl = 'kafka://127.0.0.1:9092/flexder?partitions=3';
    const size = { seed: 1, ders: 18, feeders: 3, bpps: 1 };
    const options = { ...size, dir, nowMs: NOW_MS, bapHost: '127.0.0.1', telemetrySeconds: 60, secret: () => 'x' };
    const portsOf = portsFrom(5000, serviceNames({ bpps: 1, edge: true }));
    const edge = makePlan({ ...options, eventsUrl, edge: true }, portsOf);
    const env = (name: string) =>
      parseEnv(edge.files.find(({ path }) => path === join(dir, `${name}.env`))!.text) as Record<string, string>;
    expect(edge.services.map(({ kind }) => kind)).to.deep.equal([
      ...['registry', 'gateway', 'broker', 'bap', 'monitor', 'bpp', 'fleet'],
    ]);
    for (const name of ['bap', 'monitor', 'bpp-1', 'gateway']) expect(env(name).FLEXDER_EVENTS_URL).to.equal(eventsUrl);
    expect(env('bap')).to.include({ FLEXDER_BAP_MONITORING: 'stream' });
    expect(env('bap')).to.not.have.property('FLEXDER_BAP_MQTT_PASSWORD');
    expect(env('monitor').FLEXDER_MONITOR_FEEDERS).to.equal(env('bap').FLEXDER_BAP_FEEDERS);
    expect(() => makePlan({ ...options, edge: true }, portsOf)).to.throw(RangeError, 'needs an event stream');
  });

  it('devices and feeders have one account each, that of the file their fleet reads', () => {
    const read = (name: string) => JSON.parse(plan.files.find(({ path }) => path === join(dir, name))!.text);
    const accounts = new Map(
      (read('accounts.json') as { username: string; password: string }[]).map((one) => [one.username, one.password]),
    );
    const logins = Object.values(read('fleet-credentials.json')) as { username: string; password: string }[];
    expect(logins).to.have.lengthOf(18 + 3);
    for (const { username, password } of logins) expect(accounts.get(username)).to.equal(password);
    expect(accounts.size).to.equal(18 + 3 + 1 + 2);
    expect(new Set(accounts.values()).size).to.equal(accounts.size);
    expect(accounts.get(envOf('bap').FLEXDER_BAP_MQTT_USERNAME!)).to.equal(envOf('bap').FLEXDER_BAP_MQTT_PASSWORD);
  });

  it('the past of feeders and meters ends where the half hour of the start begins', () => {
    const read = (name: string) => JSON.parse(plan.files.find(({ path }) => path === join(dir, name))!.text);
    const [{ readings }] = read('feeder-history.json') as [{ readings: { atMs: number }[] }];
    expect(new Date(readings.at(-1)!.atMs).toISOString()).to.equal('2026-06-01T11:30:00.000Z');
    const rows = read('bpp-1-meter-history.json') as { settlement_date: string; settlement_period: number }[];
    const last = rows
      .map((row) => `${row.settlement_date}/${String(row.settlement_period).padStart(2, '0')}`)
      .sort()
      .at(-1);
    // 12:30 to 13:00 on a British summer's day is the 26th half hour; the one before it ended at 12:00 UTC.
    expect(last).to.equal('2026-06-01/26');
  });

  describe('the past of meters', () => {
    const make = (ders: number, more: object = {}) => {
      const size = { seed: 1, ders, feeders: 3, bpps: 1, ...more };
      const options = { ...size, dir, nowMs: NOW_MS, bapHost: '127.0.0.1', telemetrySeconds: 60, secret: () => 'x' };
      return makePlan(options, portsFrom(5000, serviceNames({ bpps: 1 })));
    };

    it('can be left out', () => {
      const { files } = make(18, { meterHistory: false });
      expect(files.filter(({ path }) => path.includes('meter-history'))).to.deep.equal([]);
      const env = parseEnv(files.find(({ path }) => path === join(dir, 'bpp-1.env'))!.text);
      expect(env).to.have.property('FLEXDER_BPP_PORTFOLIO_FILE');
      expect(env).to.not.have.property('FLEXDER_BPP_METER_HISTORY_FILE');
    });

    (isThorough() ? it : it.skip)('is not written where it is more than a service reads', () => {
      expect(() => make(2_400)).to.throw(RangeError, /bpp-1 has 2400 devices.*--bpps.*--no-meter-history/);
    });
  });

  it('is written for its owner alone, whole, and found again', () => {
    for (const name of readdirSync(dir)) expect(statSync(join(dir, name)).mode & 0o777, name).to.equal(0o600);
    expect(statSync(dir).mode & 0o777).to.equal(0o700);
    expect(planIn(dir)).to.deep.equal(plan.services);
    expect(planIn(join(dir, 'elsewhere'))).to.equal(undefined);
  });

  it('refuses a folder name that an env file cannot hold', () => {
    const size = { seed: 1, ders: 18, feeders: 3, bpps: 1 };
    const options = { ...size, nowMs: NOW_MS, bapHost: '127.0.0.1', telemetrySeconds: 60, secret: () => 'x' };
    const make = (folder: string) => makePlan({ ...options, dir: folder }, portsFrom(5000, serviceNames({ bpps: 1 })));
    expect(() => make('/tmp/a#b')).to.throw(RangeError, 'cannot stand in an env file');
    expect(() => make('/tmp/a b')).not.to.throw();
  });

  it('free ports are all different', async () => {
    const portsOf = await freePorts(names);
    const ports = names.flatMap((name) => [portsOf(name).port, portsOf(name).health]);
    expect(new Set(ports).size).to.equal(2 * names.length);
  });
});
