/** `kafka://[USER[:PASSWORD]@]HOST[:PORT][,HOST[:PORT]…]/PREFIX[?NAME=VALUE&…]` */
import { readFileSync } from 'node:fs';
import { engineLimits } from '../../limits.ts';

export interface KafkaSettings {
  readonly brokers: readonly string[];
  /** Topics and groups are named `PREFIX.…`, so that networks may share a cluster. */
  readonly prefix: string;
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined;
  readonly sasl:
    | {
        readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
        readonly username: string;
        readonly password: string;
      }
    | undefined;
  /** Who makes a topic that is missing: this program, the broker at the first use, or nobody here. */
  readonly create: 'yes' | 'broker' | 'no';
  /** Repetitions by the client itself are recognised by the broker; `no` for one that gives no producer ids. */
  readonly idempotent: boolean;
  readonly partitions: number;
  readonly replication: number;
  readonly retentionHours: number;
}

const PREFIX = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const HOST = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/;
const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
const PARAMETERS = [
  ...['tls', 'ca', 'cert', 'key', 'sasl', 'password-file'],
  ...['create', 'idempotent', 'partitions', 'replication', 'retention-hours'],
];

/** Reads the files it names. Throws an error that says what is wrong and repeats no password. */
export function kafkaSettings(url: string): KafkaSettings {
  const [, user, hosts = '', prefix = '', query = ''] =
    /^kafka:\/\/(?:([^@/?]*)@)?([^@/?]*)\/?([^?]*)(?:\?(.*))?$/s.exec(url) ?? [];
  const brokers = hosts.split(',');
  if (brokers.some((host) => !HOST.test(host))) throw wrong('must be kafka://HOST:PORT[,HOST:PORT]/PREFIX');
  if (!PREFIX.test(prefix)) throw wrong('must end in a prefix for topics and groups: kafka://HOST:PORT/flexder');
  const parameters = new Map(new URLSearchParams(query));
  for (const name of parameters.keys())
    if (!PARAMETERS.includes(name)) throw wrong(`knows no parameter ${name}: use ${PARAMETERS.join(', ')}`);
  const get = (name: string) => parameters.get(name) || undefined;
  const retentionHours = whole('retention-hours', get('retention-hours'), 168, 87_600);
  return {
    brokers: brokers.map((host) => (/:\d+$/.test(host) ? host : `${host}:9092`)),
    prefix,
    tls: tlsOf(get),
    sasl: saslOf(user, get),
    create: oneOf('create', get('create') ?? 'yes', ['yes', 'broker', 'no']),
    idempotent: oneOf('idempotent', get('idempotent') ?? 'yes', ['yes', 'no']) === 'yes',
    partitions: whole('partitions', get('partitions'), 6, 1_000),
    replication: whole('replication', get('replication'), 1, 9),
    retentionHours,
  };
}

type Get = (name: string) => string | undefined;

function tlsOf(get: Get): KafkaSettings['tls'] {
  const asked = oneOf('tls', get('tls') ?? (get('ca') ? 'yes' : 'no'), ['yes', 'no']);
  if (asked === 'no') {
    for (const name of ['ca', 'cert', 'key']) if (get(name)) throw wrong(`names ${name}, which needs tls=yes`);
    return undefined;
  }
  if ((get('cert') === undefined) !== (get('key') === undefined)) throw wrong('needs cert and key together');
  const files = (['ca', 'cert', 'key'] as const).flatMap((name) => {
    const path = get(name);
    return path === undefined ? [] : [[name, file(name, path)] as const];
  });
  return Object.fromEntries(files);
}

function saslOf(user: string | undefined, get: Get): KafkaSettings['sasl'] {
  const named = get('sasl');
  if (!user) {
    if (named || get('password-file')) throw wrong('asks for sasl without a user: kafka://USER@HOST:PORT/PREFIX');
    return undefined;
  }
  const [username = '', ...rest] = user.split(':');
  const path = get('password-file');
  const password = path ? file('password-file', path).trim() : decodeURIComponent(rest.join(':'));
  if (!username || !password) throw wrong('needs a password: password-file=PATH, or USER:PASSWORD@');
  if (password.length > engineLimits.eventsPasswordChars) throw wrong('names a password-file that holds no password');
  const mechanism = oneOf('sasl', named ?? 'scram-sha-512', MECHANISMS);
  return { mechanism, username: decodeURIComponent(username), password };
}

function file(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw wrong(`names a file in ${name} that cannot be read: ${(error as Error).message}`);
  }
}

function whole(name: string, text: string | undefined, fallback: number, most: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw wrong(`needs a whole number from 1 to ${most} in ${name}`);
  return value;
}

function oneOf<T extends string>(name: string, value: string, known: readonly T[]): T {
  if (!known.includes(value as T)) throw wrong(`needs one of ${known.join(', ')} in ${name}`);
  return value as T;
}

function wrong(what: string): Error {
  return new Error(`the Kafka URL of the event stream ${what}`);
}
