/** What every service process reads from its environment, besides what its service reads for itself. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { s3AccessFromEnv } from '@flexder/runtime/engines/archive/config.ts';
import { S3_FORM } from '@flexder/runtime/engines/archive/s3-url.ts';
import { kafkaSettings } from '@flexder/runtime/engines/events/kafka/url.ts';
import type { EngineUrls } from '@flexder/runtime/engines/open.ts';
import type { LogLevel } from '@flexder/runtime/logging.ts';
import { DRAIN_MOST_MS, DRAIN_MS, FILE_BYTES } from '../limits.ts';
import { mqttEngine } from './mqtt-config.ts';
import { withPassword } from './secrets.ts';

export type Env = Readonly<Record<string, string | undefined>>;

/** Everything that is wrong with a configuration, in sentences that name variables. */
export class ServeConfigError extends Error {
  override name = 'ConfigError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

export interface ProcessConfig {
  /** Database (with the keys of the participant) and archive of this process. */
  readonly dataDir: string;
  readonly logLevel: LogLevel;
  /** Of a participant: whose figures the metrics are. */
  readonly subscriberId?: string;
  /** Where health and metrics are served; port 0 for a free one. */
  readonly healthHost: string;
  readonly healthPort: number;
  readonly drainMs: number;
  readonly engines: EngineUrls;
}

const LEVELS: readonly LogLevel[] = ['silent', 'error', 'warn', 'info', 'debug'];

/** Reads variables and notes what is wrong with them, so that all of it can be told at once. */
export function reader(env: Env, problems: string[]) {
  return {
    text: (name: string, fallback: string): string => env[name] || fallback,
    integer(name: string, fallback: number, low: number, high: number): number {
      const value = env[name] ? Number(env[name]) : fallback;
      if (!Number.isInteger(value) || value < low || value > high)
        problems.push(`${name} must be a whole number from ${low} to ${high}, not ${JSON.stringify(env[name])}.`);
      return value;
    },
    oneOf<T extends string>(name: string, known: readonly T[], fallback: T): T {
      const value = env[name] || fallback;
      if (!known.includes(value as T))
        problems.push(`${name} must be one of ${known.join(', ')}, not ${JSON.stringify(value)}.`);
      return value as T;
    },
    /** The JSON in the file that the variable names; undefined when it is absent or unreadable. */
    json(name: string, what: string, need: 'required' | 'optional'): unknown {
      const path = env[name];
      if (!path) {
        if (need === 'required') problems.push(`${name} must name ${what}.`);
        return undefined;
      }
      try {
        return readJson(path);
      } catch (error) {
        problems.push(`${name}: ${path} is not ${what}: ${(error as Error).message}.`);
        return undefined;
      }
    },
  };
}

export function readJson(path: string): unknown {
  if (!existsSync(path)) throw new Error('there is no such file');
  const { size } = statSync(path);
  if (size > FILE_BYTES) throw new Error(`it has ${size} bytes, at most ${FILE_BYTES} are read`);
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** The part that all services have in common. Notes problems instead of throwing. */
export function processConfig(service: string, env: Env, problems: string[]): ProcessConfig {
  const read = reader(env, problems);
  const { eventsUrl, archiveUrl, archiveAccess, ...stores } = storeEngines(env, problems);
  const participates = ['registry', 'gateway', 'bap', 'bpp'].includes(service);
  const subscriberId = participates ? env[`FLEXDER_${service.toUpperCase()}_SUBSCRIBER_ID`] : undefined;
  return {
    dataDir: resolve(read.text('FLEXDER_DATA', join('.flexder', service))),
    logLevel: read.oneOf('FLEXDER_LOG_LEVEL', LEVELS, 'info'),
    ...(subscriberId && { subscriberId }),
    healthHost: read.text('FLEXDER_HEALTH_HOST', '127.0.0.1'),
    healthPort: read.integer('FLEXDER_HEALTH_PORT', 0, 0, 65_535),
    drainMs: read.integer('FLEXDER_DRAIN_MS', DRAIN_MS, 0, DRAIN_MOST_MS),
    engines: {
      ...stores,
      ...mqttEngine(env, problems),
      ...{ eventsUrl, archiveUrl },
      ...(archiveAccess && { archiveAccess }),
    },
  };
}

/** Every engine but the device bus; embedded where no variable names another. Notes problems instead of throwing. */
export function storeEngines(
  env: Env,
  problems: string[],
): Pick<EngineUrls, 'databaseUrl' | 'queueUrl' | 'eventsUrl' | 'archiveUrl' | 'archiveAccess'> {
  const archiveUrl = engineUrl(env, 'FLEXDER_ARCHIVE_URL', 'file:archive', /^(file|s3):/, problems);
  const archiveAccess = s3AccessFromEnv(env, { url: archiveUrl, from: 'FLEXDER_ARCHIVE_URL', to: 'write' }, problems);
  return {
    ...storesOf(env, problems),
    ...{ eventsUrl: eventsUrl(env, problems), archiveUrl },
    ...(archiveUrl.startsWith('s3:') && { archiveAccess }),
  };
}

const PGLITE_OR_POSTGRES = /^(pglite:|postgres(ql)?:\/\/)/;
const QUEUES = /^(pglite:|postgres(ql)?:\/\/|rediss?:\/\/)/;

/** The job queue is where the database is, unless it has a URL of its own. */
function storesOf(env: Env, problems: string[]): Pick<EngineUrls, 'databaseUrl' | 'queueUrl'> {
  const database = engineUrl(env, 'FLEXDER_DATABASE_URL', 'pglite:database', PGLITE_OR_POSTGRES, problems);
  const databaseUrl = withPassword(env, 'FLEXDER_DATABASE_URL', database, problems);
  const served = databaseUrl.startsWith('postgres');
  const beside = served ? databaseUrl : 'pglite:';
  const queue = engineUrl(env, 'FLEXDER_QUEUE_URL', beside, QUEUES, problems);
  const queueUrl = withPassword(env, 'FLEXDER_QUEUE_URL', queue, problems);
  if (queueUrl.startsWith('pglite:') && served)
    problems.push('FLEXDER_QUEUE_URL can be pglite: only with a pglite: database.');
  return { databaseUrl, queueUrl };
}

const FORMS = {
  FLEXDER_DATABASE_URL: 'pglite:DIRECTORY, pglite:memory or postgres://USER:PASSWORD@HOST:PORT/DATABASE',
  FLEXDER_QUEUE_URL:
    'pglite: (the queue lives in the database), postgres://USER:PASSWORD@HOST:PORT/DATABASE, or ' +
    'redis[s]://USER:PASSWORD@HOST:PORT/DB?prefix=NAME',
  FLEXDER_EVENTS_URL: 'memory: or kafka://HOST:PORT[,HOST:PORT]/PREFIX',
  FLEXDER_ARCHIVE_URL: `file:DIRECTORY or ${S3_FORM}`,
} as const;

/** Throws when this process has an event stream of its own alone. */
export function needsStream(env: Env, why: string): void {
  if (!env.FLEXDER_EVENTS_URL?.startsWith('kafka:'))
    throw new ServeConfigError([`FLEXDER_EVENTS_URL must be kafka://HOST:PORT/PREFIX: ${why}.`]);
}

/** The password of a broker may stand in a file of its own. */
function eventsUrl(env: Env, problems: string[]): string {
  const url = engineUrl(env, 'FLEXDER_EVENTS_URL', 'memory:', /^(memory:|kafka:\/\/)/, problems);
  const path = env.FLEXDER_EVENTS_PASSWORD_FILE;
  const whole = path ? `${url}${url.includes('?') ? '&' : '?'}password-file=${encodeURIComponent(path)}` : url;
  if (!url.startsWith('kafka:')) return url;
  try {
    kafkaSettings(whole);
  } catch (error) {
    problems.push(`FLEXDER_EVENTS_URL: ${(error as Error).message}.`);
  }
  return whole;
}

/** A URL may hold a password, so a wrong one is not repeated. */
function engineUrl(env: Env, name: keyof typeof FORMS, fallback: string, form: RegExp, problems: string[]): string {
  const url = env[name] || fallback;
  if (!form.test(url)) problems.push(`${name} must be ${FORMS[name]}: no other engine has an adapter in this version.`);
  return url;
}

/** The environment, and which of its variables were asked for. */
export function watched(env: Env): { readonly env: Env; readonly asked: ReadonlySet<string> } {
  const asked = new Set<string>();
  const get = (target: Env, name: string | symbol) => {
    asked.add(String(name));
    return Reflect.get(target, name) as string | undefined;
  };
  return { env: new Proxy(env, { get }), asked };
}

/** Of other services that may share an environment, and of the project's own tests. */
const ELSEWHERE = /^FLEXDER_(REGISTRY|GATEWAY|BAP|BPP|BROKER|FLEET|MONITOR|REQUIRE|OPEN|KAFKA)_/;
const SHARED = new Set([
  'FLEXDER_REGISTRY_URL',
  'FLEXDER_NETWORK_PROFILE',
  'FLEXDER_DOMAIN',
  'FLEXDER_COUNTRY',
  'FLEXDER_CITY',
]);

/** A variable nobody asked for is a slip of the pen that would go unnoticed: the service would run on a default. */
export function unknownVariables(service: string, env: Env, asked: ReadonlySet<string>): string[] {
  const own = `FLEXDER_${service.toUpperCase()}_`;
  return Object.keys(env)
    .filter((name) => name.startsWith('FLEXDER_') && !asked.has(name) && !SHARED.has(name))
    .filter((name) => name.startsWith(own) || !ELSEWHERE.test(name))
    .sort()
    .map((name) => `${name} is no variable of ${service}: check its spelling, or unset it.`);
}
