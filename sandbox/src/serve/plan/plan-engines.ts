/** The engines of a plan as servers of this machine: what each is started with, and what services are told of them. */
import { join } from 'node:path';
import { HOST } from '../../network/ids.ts';
import { DATABASE_CONNECTIONS, SANDBOX_RETENTION_DAYS } from '../limits.ts';
import type { PlannedFile, PlannedService, Ports } from './plan.ts';
import type { Variables } from './plan-variables.ts';

/** The broker is none of them: it is a service of the plan in any case. */
export const ENGINES = ['postgres', 'redis', 'kafka', 's3'] as const;
type Engine = (typeof ENGINES)[number];
export const isEngine = (name: string): name is Engine => ENGINES.includes(name as Engine);

/** A server that is not ours, and its files. */
export interface PlannedEngine {
  readonly service: PlannedService;
  readonly files: readonly PlannedFile[];
}

interface Setting {
  readonly dir: string;
  readonly portsOf: (name: string) => Ports;
  readonly secret: () => string;
}

/** Name of the login, of the database, of topics, keys and bucket. */
const NAME = 'flexder';
const BUCKET = 'flexder-archive';
/** Its server runs under a user of its own and reads them as a member of the plan's group. */
const GROUP_READS = 0o640;

/** Passwords as services read them; the servers have theirs in folders of their own, and see no other's. */
const SECRETS = {
  database: 'database',
  queue: 'queue',
  events: 'events',
  accessKeyId: 'archive-access-key-id',
  secretAccessKey: 'archive-secret-access-key',
} as const;
const secretPath = (dir: string, name: keyof typeof SECRETS) => join(dir, 'secrets', SECRETS[name]);

/** Throws a RangeError for a secret that could end a statement or a line. */
export function planEngines({ dir, portsOf, secret }: Setting): PlannedEngine[] {
  const fresh = () => {
    const text = secret();
    if (!/^[\w-]+$/.test(text)) throw new RangeError('a password of an engine has letters, digits, - and _ only');
    return text;
  };
  const kept = (name: keyof typeof SECRETS) => {
    const text = fresh();
    return { text, file: { path: secretPath(dir, name), text: `${text}\n` } };
  };
  return [
    postgres({ dir: join(dir, 'postgres'), port: portsOf('postgres').port, admin: fresh() }, kept('database')),
    redis({ dir: join(dir, 'redis'), port: portsOf('redis').port }, kept('queue')),
    kafka({ dir: join(dir, 'kafka'), ...portsOf('kafka'), broker: fresh() }, kept('events')),
    s3({ dir: join(dir, 's3'), port: portsOf('s3').port }, kept('accessKeyId'), kept('secretAccessKey')),
  ];
}

/** What a service that keeps something is told. Replicas of one aggregator are told the same. */
export function engineVariables(dir: string, name: string, portsOf: (name: string) => Ports): Variables {
  const at = (engine: Engine) => `${HOST}:${portsOf(engine).port}`;
  return {
    FLEXDER_DATABASE_URL: `postgres://${NAME}@${at('postgres')}/${NAME}`,
    FLEXDER_DATABASE_PASSWORD_FILE: secretPath(dir, 'database'),
    FLEXDER_QUEUE_URL: `redis://${at('redis')}/0?prefix=${NAME}`,
    FLEXDER_QUEUE_PASSWORD_FILE: secretPath(dir, 'queue'),
    FLEXDER_EVENTS_URL: `kafka://${NAME}@${at('kafka')}/${NAME}?sasl=plain`,
    FLEXDER_EVENTS_PASSWORD_FILE: secretPath(dir, 'events'),
    FLEXDER_ARCHIVE_URL: `s3://${BUCKET}/${name}?endpoint=http://${at('s3')}`,
    FLEXDER_ARCHIVE_ACCESS_KEY_ID_FILE: secretPath(dir, 'accessKeyId'),
    FLEXDER_ARCHIVE_SECRET_ACCESS_KEY_FILE: secretPath(dir, 'secretAccessKey'),
    FLEXDER_ARCHIVE_RETENTION_DAYS: SANDBOX_RETENTION_DAYS,
    FLEXDER_ARCHIVE_CREATE_BUCKET: 'true',
  };
}

interface Place {
  readonly dir: string;
  readonly port: number;
}
interface Kept {
  readonly text: string;
  /** For the services. */
  readonly file: PlannedFile;
}

const engine = (name: Engine, url: string, command: string, ...files: PlannedFile[]): PlannedEngine => ({
  service: { name, kind: name, env: '', url, health: '', command },
  files,
});

/** The login may create roles and owns the database: no more than the services ask for. */
function postgres({ dir, port, admin }: Place & { readonly admin: string }, { text, file }: Kept): PlannedEngine {
  const sql = [
    `create role ${NAME} login createrole password '${text}';`,
    `create database ${NAME} owner ${NAME};`,
    `\\connect ${NAME}`,
    "select exists (select from pg_available_extensions where name = 'timescaledb') as timescale \\gset",
    '\\if :timescale',
    'create extension if not exists timescaledb;',
    '\\endif',
    '',
  ].join('\n');
  const bounds = `-c listen_addresses=${HOST} -c max_connections=${DATABASE_CONNECTIONS}`;
  return engine(
    'postgres',
    `postgres://${NAME}@${HOST}:${port}/${NAME}`,
    `postgres -D ${join(dir, 'data')} -p ${port} ${bounds}`,
    ...[file, { path: join(dir, 'admin-password'), text: `${admin}\n`, mode: GROUP_READS }],
    { path: join(dir, 'login.sql'), text: sql, mode: GROUP_READS },
  );
}

/** A queue that evicts or forgets jobs is none. */
function redis({ dir, port }: Place, { text, file }: Kept): PlannedEngine {
  const conf = [
    `bind ${HOST}`,
    `port ${port}`,
    `dir "${dir}"`,
    'appendonly yes',
    'appendfsync everysec',
    'save ""',
    'maxmemory-policy noeviction',
    `requirepass ${text}`,
    '',
  ].join('\n');
  const path = join(dir, 'redis.conf');
  // The health check logs in with the second.
  const files = [
    { path, text: conf },
    { path: join(dir, 'password'), text: `${text}\n` },
  ];
  return engine('redis', `redis://${HOST}:${port}/0`, `redis-server ${path}`, file, ...files);
}

/** Sixteen bytes in base64url. One node alone never meets another cluster. */
const CLUSTER_ID = 'ZmxleGRlci1zYW5kYm94MQ';

/** One node that is its own controller, at the port of its health: who speaks to either has a password. */
function kafka(
  { dir, port, health, broker }: Place & Ports & { readonly broker: string },
  { text, file }: Kept,
): PlannedEngine {
  const login = 'org.apache.kafka.common.security.plain.PlainLoginModule required';
  const jaas = (users: string) => `${login} username="broker" password="${broker}" user_broker="${broker}"${users};`;
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${HOST}:${health}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `CLIENT://${HOST}:${port},CONTROLLER://${HOST}:${health}`,
    'advertised.listeners': `CLIENT://${HOST}:${port}`,
    'listener.security.protocol.map': 'CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT',
    'inter.broker.listener.name': 'CLIENT',
    'sasl.enabled.mechanisms': 'PLAIN',
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    'sasl.mechanism.controller.protocol': 'PLAIN',
    'listener.name.client.plain.sasl.jaas.config': jaas(` user_${NAME}="${text}"`),
    'listener.name.controller.plain.sasl.jaas.config': jaas(''),
    'log.dirs': join(dir, 'data'),
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
  };
  const path = join(dir, 'server.properties');
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}`);
  const url = `kafka://${NAME}@${HOST}:${port}/${NAME}`;
  const format = `kafka-storage.sh format --ignore-formatted --cluster-id ${CLUSTER_ID} --config ${path}`;
  const start = `${format} && exec kafka-server-start.sh ${path}`;
  return engine('kafka', url, start, file, { path, text: `${lines.join('\n')}\n` });
}

/** VersityGW over a folder: it knows Object Lock, and keeps earlier versions in a second folder. */
function s3({ dir, port }: Place, id: Kept, secret: Kept): PlannedEngine {
  const path = (name: string) => join(dir, name);
  const files = [
    { path: path('access-key-id'), text: id.file.text },
    { path: path('secret-access-key'), text: secret.file.text },
  ];
  const keys = [
    `ROOT_ACCESS_KEY_ID="$(cat ${path('access-key-id')})"`,
    `ROOT_SECRET_ACCESS_KEY="$(cat ${path('secret-access-key')})"`,
  ];
  const serve = `--port ${HOST}:${port} --health /health posix --versioning-dir ${path('versions')} ${path('data')}`;
  const start = `mkdir -p ${path('versions')} ${path('data')} && ${keys.join(' ')} exec versitygw ${serve}`;
  return engine('s3', `http://${HOST}:${port}`, start, id.file, secret.file, ...files);
}
