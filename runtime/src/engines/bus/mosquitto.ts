/** What Eclipse Mosquitto needs to know of the accounts of the embedded broker: passwords, topics, bounds. */
import { pbkdf2Sync } from 'node:crypto';
import { join } from 'node:path';
import { isIdentifier } from '@flexder/protocol/beckn/identifiers.ts';
import { engineLimits } from '../limits.ts';
import { isTopicFilter } from './filters.ts';
import type { BusAccount } from './port.ts';

/** An account that cannot be written down for Mosquitto, by its name. */
export class MosquittoAccountError extends Error {
  override name = 'MosquittoAccountError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join(' '));
    this.problems = problems;
  }
}

/** Mosquitto's own number. Our passwords are 24 random bytes, which no amount of guessing finds; it is not there for words. */
const ITERATIONS = 101;
const SALT_BYTES = 12;
const HASH_BYTES = 64;
const PROBLEMS_TOLD = 20;

/** `username:$7$iterations$salt$hash`: PBKDF2 with HMAC-SHA-512, as `mosquitto_passwd` of Mosquitto 2 writes it. */
export function mosquittoPasswords(accounts: readonly BusAccount[], secret: (bytes: number) => Uint8Array): string {
  refuseUnwritable(accounts);
  return lines(accounts, ({ username, password }) => {
    const salt = secret(SALT_BYTES);
    const hash = pbkdf2Sync(password, salt, ITERATIONS, HASH_BYTES, 'sha512');
    return [`${username}:$7$${ITERATIONS}$${Buffer.from(salt).toString('base64')}$${hash.toString('base64')}`];
  });
}

/** Who is not named here may do nothing: with a file of its own, Mosquitto denies what is not listed. */
export function mosquittoAcl(accounts: readonly BusAccount[]): string {
  refuseUnwritable(accounts);
  return lines(accounts, ({ username, publish, subscribe }) => {
    const both = publish.filter((filter) => subscribe.includes(filter));
    const topic = (access: string, filters: readonly string[]) =>
      filters.filter((filter) => access === 'readwrite' || !both.includes(filter)).map((f) => `topic ${access} ${f}`);
    return [
      `user ${username}`,
      ...topic('readwrite', both),
      ...topic('write', publish),
      ...topic('read', subscribe),
      '',
    ];
  });
}

function lines(accounts: readonly BusAccount[], of: (account: BusAccount) => string[]): string {
  return `${accounts.flatMap(of).join('\n')}\n`;
}

/**
 * Both files are read by line, word and colon, and an ACL knows wildcards: only what identifiers are made of may stand
 * in a name, so that no device's name can say more than its own.
 */
function refuseUnwritable(accounts: readonly BusAccount[]): void {
  const seen = new Set<string>();
  const problems = accounts.flatMap((account) => {
    const fault = seen.has(account.username) ? 'is listed twice' : faultOf(account);
    seen.add(account.username);
    return fault === undefined ? [] : [`${JSON.stringify(account.username.slice(0, 160))} ${fault}.`];
  });
  if (problems.length > PROBLEMS_TOLD)
    problems.splice(PROBLEMS_TOLD, problems.length, `And ${problems.length - PROBLEMS_TOLD} more.`);
  if (problems.length > 0) throw new MosquittoAccountError(problems);
}

function faultOf({ username, password, publish, subscribe }: BusAccount): string | undefined {
  if (!username.split('/').every(isIdentifier)) return 'cannot be a user name of Mosquitto: identifiers and / only';
  if (password === '') return 'has no password';
  const bad = [...publish, ...subscribe].find((filter) => !isPlainFilter(filter));
  return bad === undefined
    ? undefined
    : `has a filter no account of this bus has: ${JSON.stringify(bad.slice(0, 160))}`;
}

function isPlainFilter(filter: string): boolean {
  return (
    isTopicFilter(filter) && filter.split('/').every((level) => level === '+' || level === '#' || isIdentifier(level))
  );
}

export interface MosquittoOptions {
  /** Absolute; where the files are and where messages are kept over a restart. */
  readonly dir: string;
  readonly host: string;
  readonly port: number;
  /** PEM files. With `ca`, clients must show a certificate that comes from it. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  /** The account the process runs under when root starts it; Mosquitto takes `mosquitto` by itself. */
  readonly user?: string;
}

/** Names of the files in `dir`. */
export const MOSQUITTO_FILES = { config: 'mosquitto.conf', passwords: 'passwords', acl: 'acl', pid: 'mosquitto.pid' };

/** The embedded broker's bounds in Mosquitto's words. */
export function mosquittoConfig({ dir, host, port, tls, user }: MosquittoOptions): string {
  const { busPayloadBytes, busTopicBytes, busConnections, busInFlight } = engineLimits;
  // A path is the rest of its line.
  for (const path of [dir, ...Object.values(tls ?? {})])
    if (/[\n\r]/.test(path)) throw new RangeError(`a path of one line, not ${JSON.stringify(path)}`);
  const file = (name: keyof typeof MOSQUITTO_FILES) => join(dir, MOSQUITTO_FILES[name]);
  return [
    '# Written by flexder from the accounts of the device bus; written again, SIGHUP makes Mosquitto read it.',
    ...(user === undefined ? [] : [`user ${user}`]),
    `pid_file ${file('pid')}`,
    'log_dest stderr',
    'log_type error',
    'log_type warning',
    'log_type notice',
    'log_type information',
    '# One refused password a second would fill the log of a large fleet.',
    'connection_messages false',
    '',
    '# Bounds. A command fans out to a whole fleet at once, and all of it answers one subscriber at once.',
    `max_packet_size ${busPayloadBytes + busTopicBytes + 2_048}`,
    `max_queued_messages ${busInFlight}`,
    'max_queued_bytes 0',
    `max_inflight_messages ${MAX_IN_FLIGHT}`,
    'max_keepalive 300',
    '',
    '# Retained states survive a restart.',
    'persistence true',
    `persistence_location ${join(dir, '')}${dir.endsWith('/') ? '' : '/'}`,
    'autosave_interval 60',
    '',
    'per_listener_settings true',
    `listener ${port} ${host}`,
    `max_connections ${busConnections}`,
    'set_tcp_nodelay true',
    'allow_anonymous false',
    `password_file ${file('passwords')}`,
    `acl_file ${file('acl')}`,
    ...(tls === undefined ? [] : tlsLines(tls)),
    '',
  ].join('\n');
}

/** Unacknowledged messages towards one subscriber: its acknowledgements come in bulk, and MQTT 5 clients may say less. */
const MAX_IN_FLIGHT = 1_000;

function tlsLines({ cert, key, ca }: NonNullable<MosquittoOptions['tls']>): string[] {
  return [
    `certfile ${cert}`,
    `keyfile ${key}`,
    'tls_version tlsv1.2',
    ...(ca === undefined ? [] : [`cafile ${ca}`, 'require_certificate true']),
  ];
}
