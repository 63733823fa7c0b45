/** Everything a sandbox of several processes needs: who they are, where they listen, what they know of each other. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { BusAccount } from '@flexder/runtime/engines/bus/port.ts';
import { HOST } from '../../network/ids.ts';
import { eveningPeakNow } from '../../scenario/starting-now.ts';
import type { Scenario } from '../../scenario/types.ts';
import { accountFiles, configFile } from '../mosquitto-folder.ts';
import type { ScenarioSize } from './fleet-file.ts';
import { busAccounts } from './plan-bus.ts';
import { ENGINES, engineVariables, isEngine, type PlannedEngine, planEngines } from './plan-engines.ts';
import { BALANCER, planBalancer, REPLICATED, replicaNames, replicaVariables } from './plan-replicas.ts';
import { envText, type Variables, variablesOf } from './plan-variables.ts';

export interface PlanOptions extends ScenarioSize, PlanShape {
  /** Absolute; files name each other by it. */
  readonly dir: string;
  /** Wall time of the scenario's start. */
  readonly nowMs: number;
  /** Host the DSO's page and API listen at; its registered address stays a loopback one. */
  readonly bapHost: string;
  readonly telemetrySeconds: number;
  /** Whether aggregators start with the past of their meters; default true. */
  readonly meterHistory?: boolean;
  /** Laid out in place of the evening peak. A fleet file cannot name it, so whoever asks for it runs the devices. */
  readonly scenario?: Scenario;
  /** Which broker carries the device bus; default the embedded one, with `engines` Mosquitto. */
  readonly broker?: 'embedded' | 'mosquitto';
  /** `kafka://…` of the event stream that all services share; each has its own in memory when absent. */
  readonly eventsUrl?: string | undefined;
  /** Random text of letters, digits, hyphens and underscores that nobody guesses. */
  secret(): string;
}

/** Which processes there are. */
export interface PlanShape {
  readonly bpps: number;
  /** Grid Monitoring in a process of its own; needs an event stream. */
  readonly edge?: boolean;
  /** Each engine a server on this machine, with a password. */
  readonly engines?: boolean;
  /** Processes of the first aggregator behind a balancer, beside the one that it has alone; they need `engines`. */
  readonly replicas?: number;
}

/** Everybody who takes a port; `bpp-1` to `bpp-n` are the aggregators. Who comes later leaves the ports before alone. */
export function serviceNames({ bpps, edge, engines, replicas }: PlanShape): string[] {
  const aggregators = Array.from({ length: bpps }, (_, i) => `bpp-${i + 1}`);
  const services = ['registry', 'gateway', 'broker', 'bap', ...(edge ? ['monitor'] : []), ...aggregators, 'fleet'];
  const several = replicas ? [...replicaNames(replicas), BALANCER] : [];
  return [...services, ...several, ...(engines ? ENGINES : [])];
}

/** They listen to others alone. */
const NO_DOOR = ['fleet', 'monitor'];
/** They keep nothing. */
const NO_STORE = ['fleet', 'broker'];

/** Of one service: where it listens and where its health is served. */
export interface Ports {
  readonly port: number;
  readonly health: number;
}

export interface PlannedFile {
  readonly path: string;
  readonly text: string;
  /** 0600 when absent. */
  readonly mode?: number;
}

export interface PlannedService {
  readonly name: string;
  /** What follows `flexder serve`. */
  readonly kind: string;
  readonly env: string;
  readonly url: string;
  readonly health: string;
  /** A shell's line that runs it when it is no service of `flexder serve`; it then has no environment. */
  readonly command?: string;
  /** Those of `one` and those of `several` are not run together; whoever has none runs with either. */
  readonly profile?: 'one' | 'several';
}

export interface Plan {
  /** In the order in which they are best started. */
  readonly services: readonly PlannedService[];
  readonly files: readonly PlannedFile[];
  /** Everybody who may speak on the device bus. */
  readonly accounts: readonly BusAccount[];
}

/** Pure: writes nothing. Throws a RangeError that names a bad size. */
export function makePlan(options: PlanOptions, portsOf: (name: string) => Ports): Plan {
  refuseUnfit(options);
  const { dir, nowMs, seed, ders, feeders, bpps } = options;
  const scenario = options.scenario ?? eveningPeakNow({ seed, ders, feeders, bpps }, nowMs);
  const bus = busAccounts(scenario, options.secret);
  const files: PlannedFile[] = [];
  const file = (path: string, value: unknown) => {
    files.push({ path: join(dir, path), text: `${JSON.stringify(value)}\n` });
    return join(dir, path);
  };
  const url = (name: string) => `${name === 'broker' ? 'mqtt' : 'http'}://${HOST}:${portsOf(name).port}`;
  const engines = options.engines ? planEngines({ ...options, portsOf }) : undefined;
  const own = variablesOf({ options, scenario, bus, file, url });
  const variables = (name: string, port: number): Variables => ({
    ...own(name, port),
    ...(engines && !NO_STORE.includes(name) && engineVariables(dir, name, portsOf)),
  });

  const mosquitto = (): PlannedService => {
    const folder = mosquittoFiles(join(dir, 'mosquitto'), portsOf('broker').port, bus.accounts, options.secret);
    files.push(...folder);
    const command = `mosquitto -c ${folder.at(-1)!.path}`;
    return { name: 'broker', kind: 'mosquitto', env: '', url: url('broker'), health: '', command };
  };
  const service = (name: string, told: Variables, port: number): PlannedService => {
    const { health } = portsOf(name);
    const env = join(dir, `${name}.env`);
    const place = { FLEXDER_DATA: join(dir, 'data', name), FLEXDER_HEALTH_PORT: health };
    files.push({ path: env, text: envText({ ...told, ...place }) });
    const address = NO_DOOR.includes(name) ? '' : `${name === 'broker' ? 'mqtt' : 'http'}://${HOST}:${port}`;
    return { name, kind: name.replace(/(-\d+)+$/, ''), env, url: address, health: `http://${HOST}:${health}` };
  };

  const isOurs = (name: string) => !isEngine(name) && name !== BALANCER && !(options.scenario && name === 'fleet');
  const services = serviceNames(options).filter(isOurs);
  const replicated = services.includes(REPLICATED) ? variables(REPLICATED, portsOf(REPLICATED).port) : {};
  const replicas = options.replicas ? replicaNames(options.replicas) : [];
  const planned = services.map((name): PlannedService => {
    const { port } = portsOf(name);
    if (name === 'broker' && (engines || options.broker === 'mosquitto')) return mosquitto();
    if (replicas.includes(name))
      return { ...service(name, replicaVariables(replicated, port, url(REPLICATED)), port), profile: 'several' };
    if (name !== REPLICATED) return service(name, variables(name, port), port);
    return { ...service(name, replicated, port), ...(replicas.length > 0 && { profile: 'one' as const }) };
  });
  const balancer = replicas.length > 0 ? [planBalancer(dir, replicas, portsOf)] : [];
  const servers: PlannedEngine[] = [...(engines ?? []), ...balancer];
  files.push(...servers.flatMap((one) => one.files));
  return { services: [...servers.map((one) => one.service), ...planned], files, accounts: bus.accounts };
}

function refuseUnfit({ edge, eventsUrl, engines, replicas, bpps }: PlanOptions): void {
  if (edge && !eventsUrl && !engines) throw new RangeError('a monitor at the edge needs an event stream: name one');
  if (replicas && !engines)
    throw new RangeError('several processes of one aggregator share a PostgreSQL database: ask for engines too');
  if (replicas && bpps < 1) throw new RangeError('several processes of no aggregator: ask for one at least');
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
