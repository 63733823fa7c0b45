import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { systemIds } from '@flexder/runtime/context.ts';
import { kafkaSettings } from '@flexder/runtime/engines/events/kafka/url.ts';
import { DirectoryLockedError } from '@flexder/runtime/lock.ts';
import { type Env, ServeConfigError } from '../../serve/config.ts';
import { configure, SERVICES } from '../../serve/configure.ts';
import { HEALTH_PORT_OFFSET, STOP_MS, TELEMETRY_LEAST_S, TELEMETRY_MOST_S } from '../../serve/limits.ts';
import type { PlannedService } from '../../serve/plan.ts';
import { runService, type Signals } from '../../serve/process.ts';
import { type Command, integer, print, required, say, text, UsageError, type Values } from '../command.ts';
import { untilInterrupted } from '../signals.ts';

const command: Command = {
  summary: 'Runs one service as a process of its own; `plan` writes what a network of them needs',
  arguments: '(registry|gateway|broker|bap|bpp|monitor|fleet) [--env FILE] | plan --dir DIR',
  options: {
    env: { type: 'string', value: 'FILE', help: 'FLEXDER_… variables, one NAME=VALUE a line; the environment wins' },
    data: { type: 'string', value: 'DIR', help: 'database and archive of the service (FLEXDER_DATA)' },
    check: { type: 'boolean', help: 'only say whether the configuration is complete' },
    dir: { type: 'string', value: 'DIR', help: 'plan: where the files go' },
    keep: { type: 'boolean', help: 'plan: leave a plan that is there as it is' },
    'base-port': { type: 'string', value: 'N', help: 'plan: fixed ports from N on; free ones when absent' },
    'bap-host': { type: 'string', value: 'HOST', help: 'plan: where the DSO’s page listens (127.0.0.1)' },
    'telemetry-seconds': { type: 'string', value: 'N', help: 'plan: between two readings, 1 to 120 (60)' },
    seed: { type: 'string', value: 'N', help: 'plan: as in `flexder demo` (1)' },
    ders: { type: 'string', value: 'N', help: 'plan: simulated devices (330)' },
    feeders: { type: 'string', value: 'N', help: 'plan: feeders, at least 3 (3)' },
    bpps: { type: 'string', value: 'N', help: 'plan: aggregators (2)' },
    broker: { type: 'string', value: 'NAME', help: 'plan: embedded, or mosquitto with its files (embedded)' },
    events: { type: 'string', value: 'URL', help: 'plan: kafka://HOST:PORT/PREFIX, the event stream of all services' },
    edge: { type: 'boolean', help: 'plan: grid monitoring in a process of its own, `monitor`; needs --events' },
    json: { type: 'boolean', help: 'plan: the services as one line of JSON' },
  },
  async run(values, [service, ...more]) {
    if (service === undefined || more.length > 0) throw new UsageError(`name one of ${NAMES}`);
    if (service === 'plan') return plan(values);
    if (!Object.hasOwn(SERVICES, service))
      throw new UsageError(`there is no service ${JSON.stringify(service)}: name one of ${NAMES}`);
    return serve(service, values);
  },
};
export default command;

const NAMES = [...Object.keys(SERVICES), 'plan'].join(', ');

async function serve(service: string, values: Values): Promise<number> {
  const planOnly = Object.keys(values).find((name) => !['env', 'data', 'check'].includes(name));
  if (planOnly !== undefined) throw new UsageError(`--${planOnly} belongs to \`flexder serve plan\``);
  try {
    const { config, start } = await configure(service, environment(values));
    if (values.check === true) {
      say(`The configuration of ${service} is complete.`);
      return 0;
    }
    await runService(service, config, start, signals(), (ready) => print(JSON.stringify(ready)));
    return 0;
  } catch (error) {
    if (error instanceof ServeConfigError) {
      say(`flexder: ${service} cannot start:`);
      for (const problem of error.problems) say(`  ${problem}`);
      return 2;
    }
    if (error instanceof DirectoryLockedError) throw new UsageError(error.message);
    say(`flexder: ${service} failed: ${describe(error)}`);
    return 1;
  }
}

/** With the causes, which say why; without stacks, which say where in our code. */
function describe(error: unknown): string {
  if (error instanceof AggregateError) return [error.message, ...error.errors.map(describe)].join(': ');
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describe(error.cause)}`;
}

function environment(values: Values): Env {
  const path = text(values, 'env');
  const data = text(values, 'data');
  return { ...(path === undefined ? {} : readEnv(path)), ...process.env, ...(data && { FLEXDER_DATA: data }) };
}

function readEnv(path: string): Env {
  try {
    return parseEnv(readFileSync(path, 'utf8')) as Env;
  } catch (error) {
    throw new UsageError(`--env ${path} cannot be read: ${(error as Error).message}`);
  }
}

/** Whatever hangs at the end, the process does not outlive its bound. */
function signals(): Signals {
  const { promise } = untilInterrupted();
  const stop = promise.then(() => {
    setTimeout(() => {
      say(`flexder: not everything ended within ${STOP_MS} ms; what was acknowledged is taken up at the next start`);
      process.exit(1);
    }, STOP_MS).unref();
  });
  let reload = () => {};
  // Without a listener SIGHUP would end the process.
  process.on('SIGHUP', () => reload());
  const onReload = (run: () => void) => {
    reload = run;
  };
  return { stop, onReload };
}

async function plan(values: Values): Promise<number> {
  const dir = resolve(required(values, 'dir'));
  const { makePlan, serviceNames } = await import('../../serve/plan.ts');
  const { freePorts, planIn, portsFrom, writePlan } = await import('../../serve/plan-folder.ts');
  const existing = planIn(dir);
  if (existing && values.keep !== true)
    throw new UsageError(`${dir} holds a plan already: name a new folder, or use this one as it is with --keep`);
  const bpps = integer(values, 'bpps', 2, 1, 32);
  const edge = values.edge === true;
  const names = serviceNames(bpps, edge);
  const base = integer(values, 'base-port', 0, 0, 65_535 - HEALTH_PORT_OFFSET - names.length);
  let services = existing;
  if (!services) {
    const portsOf = base === 0 ? await freePorts(names) : portsFrom(base, names);
    const options = {
      dir,
      ...{ bpps, edge },
      eventsUrl: eventsUrl(values),
      nowMs: Date.now(),
      seed: integer(values, 'seed', 1, 0, 2_147_483_647),
      ders: integer(values, 'ders', 330, 0, 20_000),
      feeders: integer(values, 'feeders', 3, 1, 100),
      broker: brokerOf(values),
      bapHost: text(values, 'bap-host') ?? '127.0.0.1',
      telemetrySeconds: integer(values, 'telemetry-seconds', 60, TELEMETRY_LEAST_S, TELEMETRY_MOST_S),
      secret: () => Buffer.from(systemIds().secret(24)).toString('base64url'),
    };
    const made = rangeAsUsage(() => makePlan(options, portsOf));
    writePlan(dir, made);
    services = [...made.services];
  }
  tell(services, dir, values.json === true);
  return 0;
}

/** A URL may hold a password, so a wrong one is not repeated. */
function eventsUrl(values: Values): string | undefined {
  const url = text(values, 'events');
  try {
    if (url !== undefined) kafkaSettings(url);
    return url;
  } catch (error) {
    throw new UsageError(`--events: ${(error as Error).message}`);
  }
}

function tell(services: readonly PlannedService[], dir: string, json: boolean): void {
  if (json) {
    print(JSON.stringify({ services }));
    return;
  }
  say(`${join(dir, 'plan.json')} lists the services. Start each in a terminal of its own:`);
  for (const { kind, env, command } of services) print(command ?? `npx flexder serve ${kind} --env ${env}`);
  say(`The DSO's page: ${services.find(({ name }) => name === 'bap')?.url}/`);
}

function brokerOf(values: Values): 'embedded' | 'mosquitto' {
  const name = text(values, 'broker') ?? 'embedded';
  if (name !== 'embedded' && name !== 'mosquitto')
    throw new UsageError(`--broker must be embedded or mosquitto, not ${JSON.stringify(name)}`);
  return name;
}

function rangeAsUsage<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}
