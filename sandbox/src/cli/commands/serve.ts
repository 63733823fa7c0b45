import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { DirectoryLockedError } from '@flexder/runtime/lock.ts';
import { STOP_MS } from '../../serve/limits.ts';
import type { Signals } from '../../serve/process/process.ts';
import { type Env, ServeConfigError } from '../../serve/settings/config.ts';
import { configure, SERVICES } from '../../serve/settings/configure.ts';
import type { Setting } from '../../serve/settings/settings.ts';
import { type Command, print, say, text, UsageError, type Values } from '../command.ts';
import { plan } from '../serve-plan.ts';
import { untilInterrupted } from '../signals.ts';

const command: Command = {
  summary: 'Runs one service as a process of its own; `plan` writes what a network of them needs',
  arguments: '(registry|gateway|broker|bap|bpp|monitor|fleet) [--env FILE] | plan --dir DIR',
  options: {
    env: { type: 'string', value: 'FILE', help: 'FLEXDER_… variables, one NAME=VALUE a line; the environment wins' },
    data: { type: 'string', value: 'DIR', help: 'database and archive of the service (FLEXDER_DATA)' },
    check: { type: 'boolean', help: 'only show the configuration, without secrets, and whether it is complete' },
    dir: { type: 'string', value: 'DIR', help: 'plan: where the files go' },
    keep: { type: 'boolean', help: 'plan: leave a plan that is there as it is' },
    'base-port': { type: 'string', value: 'N', help: 'plan: fixed ports from N on; free ones when absent' },
    'bap-host': { type: 'string', value: 'HOST', help: 'plan: where the DSO’s page listens (127.0.0.1)' },
    'telemetry-seconds': { type: 'string', value: 'N', help: 'plan: between two readings, 1 to 120 (60)' },
    seed: { type: 'string', value: 'N', help: 'plan: as in `flexder demo` (1)' },
    ders: { type: 'string', value: 'N', help: 'plan: simulated devices (330)' },
    feeders: { type: 'string', value: 'N', help: 'plan: feeders, at least 3 (3)' },
    bpps: { type: 'string', value: 'N', help: 'plan: aggregators (2)' },
    'no-meter-history': { type: 'boolean', help: 'plan: without the past of meters, as thousands of devices need' },
    broker: { type: 'string', value: 'NAME', help: 'plan: embedded, or mosquitto with its files (embedded)' },
    events: { type: 'string', value: 'URL', help: 'plan: kafka://HOST:PORT/PREFIX, the event stream of all services' },
    edge: { type: 'boolean', help: 'plan: grid monitoring in a process of its own, `monitor`; needs --events' },
    engines: { type: 'boolean', help: 'plan: PostgreSQL, Redis, Mosquitto, Kafka and S3 as servers, with passwords' },
    replicas: {
      type: 'string',
      value: 'N',
      help: 'plan: processes of the first aggregator behind HAProxy; needs --engines',
    },
    json: { type: 'boolean', help: 'plan: the services as one line of JSON; with --check: the configuration' },
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
  const own = ['env', 'data', 'check', ...(values.check === true ? ['json'] : [])];
  const planOnly = Object.keys(values).find((name) => !own.includes(name));
  if (planOnly !== undefined) throw new UsageError(`--${planOnly} belongs to \`flexder serve plan\``);
  try {
    const { env, from } = environment(values);
    const { config, start, settings } = await configure(service, env);
    if (values.check === true) {
      show(service, settings(from), values.json === true);
      return 0;
    }
    const { runService } = await import('../../serve/process/process.ts');
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

/** What holds, and where it was read; a variable that is set and empty hides that of the file. */
function environment(values: Values): { env: Env; from: (variable: string) => Setting['from'] } {
  const path = text(values, 'env');
  const data = text(values, 'data');
  const file = path === undefined ? {} : readEnv(path);
  const from = (variable: string) => {
    if (data && variable === 'FLEXDER_DATA') return 'option';
    return process.env[variable] === undefined ? 'file' : 'environment';
  };
  return { env: { ...file, ...process.env, ...(data && { FLEXDER_DATA: data }) }, from };
}

function show(service: string, settings: readonly Setting[], json: boolean): void {
  if (json) print(JSON.stringify({ service, settings }));
  else for (const { variable, value, from } of settings) print(`${variable}=${value}  (${from})`);
  say(`The configuration of ${service} is complete.`);
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
