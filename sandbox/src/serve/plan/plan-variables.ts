/** What each service of a plan is told by its environment. */
import { enrolledOnce } from '@flexder/bpp-aggregator/enrolment/document.ts';
import { CITY, COUNTRY, DOMAIN, DSO_ID, GATEWAY_ID, HOST, REGISTRY_ID } from '../../network/ids.ts';
import type { Scenario } from '../../scenario/types.ts';
import { contractOf } from '../contract.ts';
import { FILE_BYTES, METER_ROW_BYTES } from '../limits.ts';
import type { FleetManifest } from './fleet-file.ts';
import type { PlanOptions } from './plan.ts';
import type { Bus } from './plan-bus.ts';

export interface Drawing {
  readonly options: PlanOptions;
  readonly scenario: Scenario;
  readonly bus: Bus;
  file(path: string, value: unknown): string;
  url(name: string): string;
}

export type Variables = Record<string, string | number>;

export function variablesOf(drawing: Drawing): (name: string, port: number) => Variables {
  const { options, scenario, bus, file, url } = drawing;
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
    return { ...network, ...mqtt, ...stream, ...bppVariables(name, port, drawing) };
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

function bppVariables(name: string, port: number, { options, scenario, bus, file }: Drawing): Variables {
  const index = Number(name.slice('bpp-'.length)) - 1;
  const one = scenario.aggregators[index]!;
  const { username, password } = bus.aggregators[index]!;
  const portfolio = scenario.ders.filter((der) => der.aggregatorId === one.subscriberId).map(contractOf);
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
    FLEXDER_BPP_ENROLMENT_FILE: file(`${name}-enrolment.json`, enrolledOnce(portfolio)),
    ...(options.meterHistory !== false && {
      FLEXDER_BPP_METER_HISTORY_FILE: file(`${name}-meter-history.json`, historyOf(name, portfolio, scenario)),
    }),
  };
}

function historyOf(name: string, portfolio: readonly { readonly importMsid: string }[], scenario: Scenario) {
  const meters = new Set(portfolio.map((der) => der.importMsid));
  const history = scenario.meterHistory().filter((row) => meters.has(row.import_msid));
  if (history.length * METER_ROW_BYTES > FILE_BYTES)
    throw new RangeError(
      `${name} has ${portfolio.length} devices, whose meters have more past than a service reads: plan more aggregators (--bpps), fewer devices (--ders), or none of it (--no-meter-history)`,
    );
  return history;
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

/** As `flexder serve --env` and `docker --env-file` read it: no quotes, one variable a line. */
export function envText(variables: Variables): string {
  const lines = Object.entries(variables).map(([name, value]) => {
    if (/[\n\r"'`#\\$]/.test(String(value))) throw new RangeError(`${name}: ${value} cannot stand in an env file`);
    return `${name}=${value}`;
  });
  return `${lines.join('\n')}\n`;
}
