/** Everything a sandbox of several processes needs: who they are, where they listen, what they know of each other. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { derId, feederId, subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { aggregatorAccount, deviceAccount, dsoAccount, rtuAccount } from '@flexder/runtime/engines/bus/accounts.ts';
import type { BusAccount } from '@flexder/runtime/engines/bus/port.ts';
import { CITY, COUNTRY, DOMAIN, DSO_ID, GATEWAY_ID, HOST, REGISTRY_ID } from '../network/ids.ts';
import { eveningPeakNow } from '../scenario/starting-now.ts';
import type { Scenario } from '../scenario/types.ts';
import { contractOf } from './contract.ts';
import type { FleetManifest, ScenarioSize } from './fleet-file.ts';
import { accountFiles, configFile } from './mosquitto-folder.ts';

export interface PlanOptions extends ScenarioSize {
  /** Absolute; files name each other by it. */
  readonly dir: string;
  /** Wall time of the scenario's start. */
  readonly nowMs: number;
  /** Host the DSO's page and API listen at; its registered address stays a loopback one. */
  readonly bapHost: string;
  readonly telemetrySeconds: number;
  /** Which broker carries the device bus; default the embedded one. */
  readonly broker?: 'embedded' | 'mosquitto';
  /** `kafka://…` of the event stream that all services share; each has its own in memory when absent. */
  readonly eventsUrl?: string | undefined;
  /** Grid Monitoring in a process of its own; needs `eventsUrl`. */
  readonly edge?: boolean;
  /** Random text that nobody guesses. */
  secret(): string;
}

/** In the order in which they are best started; `bpp-1` to `bpp-n` are the aggregators. */
export function serviceNames(bpps: number, edge = false): string[] {
  const aggregators = Array.from({ length: bpps }, (_, i) => `bpp-${i + 1}`);
  return ['registry', 'gateway', 'broker', 'bap', ...(edge ? ['monitor'] : []), ...aggregators, 'fleet'];
}

/** They listen to others alone. */
const NO_DOOR = ['fleet', 'monitor'];

/** Of one service: where it listens and where its health is served. */
export interface Ports {
  readonly port: number;
  readonly health: number;
}

export interface PlannedFile {
  readonly path: string;
  readonly text: string;
}

export interface PlannedService {
  readonly name: string;
  /** What follows `flexder serve`. */
  readonly kind: string;
  readonly env: string;
  readonly url: string;
  readonly health: string;
  /** What runs it when it is no service of `flexder serve`; it then has neither environment nor health. */
  readonly command?: string;
}

export interface Plan {
  readonly services: readonly PlannedService[];
  readonly files: readonly PlannedFile[];
}

/** Pure: writes nothing. Throws a RangeError that names a bad size. */
export function makePlan(options: PlanOptions, portsOf: (name: string) => Ports): Plan {
  const { dir, nowMs, seed, ders, feeders, bpps, edge, eventsUrl } = options;
  const scenario = eveningPeakNow({ seed, ders, feeders, bpps }, nowMs);
  const bus = busAccounts(scenario, options.secret);
  const files: PlannedFile[] = [];
  const file = (path: string, value: unknown) => {
    files.push({ path: join(dir, path), text: `${JSON.stringify(value)}\n` });
    return join(dir, path);
  };
  const url = (name: string) => `${name === 'broker' ? 'mqtt' : 'http'}://${HOST}:${portsOf(name).port}`;
  const variables = variablesOf({ options, scenario, bus, file, url });
  if (edge && !eventsUrl) throw new RangeError('a monitor at the edge needs an event stream: name one');
  const services = serviceNames(bpps, edge).map((name): PlannedService => {
    const { port, health } = portsOf(name);
    if (name === 'broker' && options.broker === 'mosquitto') {
      const folder = mosquittoFiles(join(dir, 'mosquitto'), port, bus.accounts, options.secret);
      files.push(...folder);
      const command = `mosquitto -c ${folder.at(-1)!.path}`;
      return { name, kind: 'mosquitto', env: '', url: url(name), health: '', command };
    }
    const kind = name.replace(/-\d+$/, '');
    const own = { ...variables(name, port), FLEXDER_DATA: join(dir, 'data', name), FLEXDER_HEALTH_PORT: health };
    const env = join(dir, `${name}.env`);
    files.push({ path: env, text: envText(own) });
    return { name, kind, env, url: NO_DOOR.includes(name) ? '' : url(name), health: `http://${HOST}:${health}` };
  });
  return { services, files };
}

/** The configuration comes last. The accounts stay beside it, to be written again with those of new devices. */
function mosquittoFiles(
  dir: string,
  port: number,
  accounts: readonly BusAccount[],
  secret: () => string,
): PlannedFile[] {
  const salt = (bytes: number) => createHash('sha256').update(secret()).digest().subarray(0, bytes);
  return [
    { path: join(dir, 'accounts.json'), text: `${JSON.stringify(accounts)}\n` },
    ...accountFiles(dir, accounts, salt),
    configFile({ dir, host: HOST, port }),
  ];
}

interface Drawing {
  readonly options: PlanOptions;
  readonly scenario: Scenario;
  readonly bus: Bus;
  file(path: string, value: unknown): string;
  url(name: string): string;
}

type Variables = Record<string, string | number>;

function variablesOf({ options, scenario, bus, file, url }: Drawing): (name: string, port: number) => Variables {
  const network = {
    FLEXDER_NETWORK_PROFILE: 'sandbox',
    FLEXDER_REGISTRY_URL: url('registry'),
    FLEXDER_DOMAIN: DOMAIN,
    FLEXDER_COUNTRY: COUNTRY,
    FLEXDER_CITY: CITY,
  };
  const mqtt = { FLEXDER_MQTT_URL: url('broker') };
  const stream: Variables = options.eventsUrl ? { FLEXDER_EVENTS_URL: options.eventsUrl } : {};
  const feeders = feederVariables(scenario, file);
  return (name, port): Variables => {
    if (name === 'registry')
      return {
        FLEXDER_NETWORK_PROFILE: 'sandbox',
        FLEXDER_REGISTRY_PORT: port,
        FLEXDER_REGISTRY_SUBSCRIBER_ID: REGISTRY_ID,
      };
    if (name === 'gateway')
      return { ...network, ...stream, FLEXDER_GATEWAY_PORT: port, FLEXDER_GATEWAY_SUBSCRIBER_ID: GATEWAY_ID };
    if (name === 'broker')
      return { FLEXDER_BROKER_PORT: port, FLEXDER_BROKER_ACCOUNTS: file('accounts.json', bus.accounts) };
    if (name === 'bap')
      return { ...network, ...mqtt, ...stream, ...bapVariables(port, options, bus), ...feeders('BAP') };
    if (name === 'monitor') return { ...mqtt, ...stream, ...monitorVariables(bus), ...feeders('MONITOR') };
    if (name === 'fleet') return { ...mqtt, ...fleetVariables(options, bus, file) };
    return { ...network, ...mqtt, ...stream, ...bppVariables(name, port, scenario, bus, file) };
  };
}

/** What a monitor is told of its feeders: as the DSO or at the edge. */
function feederVariables({ feeders }: Scenario, file: Drawing['file']): (service: 'BAP' | 'MONITOR') => Variables {
  const limits = feeders.map(({ feederId, name, limitKw }) => ({ feederId, name, limitKw }));
  const history = feeders.map(({ feederId, history }) => ({
    feederId,
    readings: history.map(({ atMs, kw }) => ({ atMs, powerKw: kw })),
  }));
  const paths = { feeders: `@${file('feeders.json', limits)}`, history: `@${file('feeder-history.json', history)}` };
  return (service) => ({
    [`FLEXDER_${service}_FEEDERS`]: paths.feeders,
    [`FLEXDER_${service}_HISTORY`]: paths.history,
  });
}

/** With a monitor at the edge it is that which listens to the feeders. */
function bapVariables(port: number, { bapHost, edge }: PlanOptions, bus: Bus): Variables {
  const { username, password } = bus.dso;
  const login = { FLEXDER_BAP_MQTT_USERNAME: username, FLEXDER_BAP_MQTT_PASSWORD: password };
  return {
    FLEXDER_BAP_HOST: bapHost,
    FLEXDER_BAP_PORT: port,
    FLEXDER_BAP_PUBLIC_URL: `http://${HOST}:${port}`,
    FLEXDER_BAP_SUBSCRIBER_ID: DSO_ID,
    FLEXDER_BAP_NAME: 'Sandbox DSO',
    ...(edge ? { FLEXDER_BAP_MONITORING: 'stream' } : login),
  };
}

function monitorVariables(bus: Bus): Variables {
  return {
    FLEXDER_MONITOR_ID: 'edge-1',
    FLEXDER_MONITOR_DSO_ID: DSO_ID,
    FLEXDER_MONITOR_MQTT_USERNAME: bus.dso.username,
    FLEXDER_MONITOR_MQTT_PASSWORD: bus.dso.password,
  };
}

function bppVariables(name: string, port: number, scenario: Scenario, bus: Bus, file: Drawing['file']): Variables {
  const index = Number(name.slice('bpp-'.length)) - 1;
  const one = scenario.aggregators[index]!;
  const { username, password } = bus.aggregators[index]!;
  const portfolio = scenario.ders.filter((der) => der.aggregatorId === one.subscriberId).map(contractOf);
  const meters = new Set(portfolio.map((der) => der.importMsid));
  const history = scenario.meterHistory().filter((row) => meters.has(row.import_msid));
  return {
    FLEXDER_BPP_PORT: port,
    FLEXDER_BPP_SUBSCRIBER_ID: one.subscriberId,
    FLEXDER_BPP_NAME: one.name,
    FLEXDER_BPP_PROVIDER_ID: one.providerId,
    FLEXDER_BPP_MQTT_USERNAME: username,
    FLEXDER_BPP_MQTT_PASSWORD: password,
    FLEXDER_BPP_PRICE_BATTERY: one.priceGbpPerKwh.battery,
    FLEXDER_BPP_PRICE_EV_CHARGER: one.priceGbpPerKwh['ev-charger'],
    FLEXDER_BPP_PRICE_HEAT_PUMP: one.priceGbpPerKwh['heat-pump'],
    FLEXDER_BPP_QUOTE_SHARE: one.quoteShare,
    FLEXDER_BPP_MAX_EVENTS_PER_DAY: one.maxEventsPerDay,
    FLEXDER_BPP_PORTFOLIO_FILE: file(`${name}-portfolio.json`, portfolio),
    FLEXDER_BPP_METER_HISTORY_FILE: file(`${name}-meter-history.json`, history),
  };
}

function fleetVariables(options: PlanOptions, bus: Bus, file: Drawing['file']): Variables {
  const { seed, ders, feeders, bpps, nowMs, telemetrySeconds } = options;
  const manifest: FleetManifest = {
    v: 1,
    scenario: { name: 'evening-peak', seed, ders, feeders, bpps },
    startAt: new Date(nowMs).toISOString(),
    dsoId: DSO_ID,
  };
  return {
    FLEXDER_FLEET_FILE: file('fleet.json', manifest),
    FLEXDER_FLEET_CREDENTIALS: file('fleet-credentials.json', bus.logins),
    FLEXDER_FLEET_TELEMETRY_SECONDS: telemetrySeconds,
  };
}

interface Bus {
  readonly accounts: readonly BusAccount[];
  readonly dso: BusAccount;
  /** In the order of the scenario. */
  readonly aggregators: readonly BusAccount[];
  /** Of devices by DER id, of feeders by feeder id. */
  readonly logins: Readonly<Record<string, { readonly username: string; readonly password: string }>>;
}

function busAccounts(scenario: Scenario, secret: () => string): Bus {
  const dsoId = subscriberId(DSO_ID);
  const dso = dsoAccount(dsoId, secret());
  const aggregators = scenario.aggregators.map((one) => aggregatorAccount(subscriberId(one.subscriberId), secret()));
  const things = [
    ...scenario.ders.map((der): [string, BusAccount] => [
      der.derId,
      deviceAccount(subscriberId(der.aggregatorId), derId(der.derId), secret()),
    ]),
    ...scenario.feeders.map((one): [string, BusAccount] => [
      one.feederId,
      rtuAccount(dsoId, feederId(one.feederId), secret()),
    ]),
  ];
  return {
    accounts: [dso, ...aggregators, ...things.map(([, account]) => account)],
    dso,
    aggregators,
    logins: Object.fromEntries(things.map(([id, { username, password }]) => [id, { username, password }])),
  };
}

/** As `flexder serve --env` and `docker --env-file` read it: no quotes, one variable a line. */
function envText(variables: Variables): string {
  const lines = Object.entries(variables).map(([name, value]) => {
    if (/[\n\r"'`#\\$]/.test(String(value))) throw new RangeError(`${name}: ${value} cannot stand in an env file`);
    return `${name}=${value}`;
  });
  return `${lines.join('\n')}\n`;
}
