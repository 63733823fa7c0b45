/**
 * Kafka for tests. Apache Kafka from its own jars (`.ci/kafka-jars` fetches them) as a single node in KRaft mode; where
 * they are missing, the mock broker inside kcat (librdkafka), which speaks the protocol and keeps everything in memory.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../http/free-port.ts';
import { accepts, type EngineProcess, missingEngine, programPath, startEngine, testFolder } from './engine.ts';

export interface KafkaServer extends EngineProcess {
  readonly kind: 'apache' | 'mock';
  readonly port: number;
  readonly folder: string;
  /** `kafka://127.0.0.1:PORT/PREFIX` and what this broker needs to be told. */
  url(prefix: string): string;
}

const MOCK_PROVES_LESS =
  'no restart with data, no creation or retention of topics, no replication, no TLS or SASL is shown';
const MISSING = '.ci/kafka-jars fetches its jars into FLEXDER_KAFKA_JARS, and Java runs them';
let told = false;

/** For a `before` hook, as `needsEngine`. `what: 'apache'` asks for the real broker. */
export function needsKafka(what: 'apache' | 'any' = 'any') {
  return function check(this: Mocha.Context): void {
    if (apacheJars() !== undefined) tell('Apache Kafka from its jars');
    else if (what === 'any' && programPath('kcat') !== undefined) tell(`the mock broker of kcat: ${MOCK_PROVES_LESS}`);
    else missingEngine(this, 'Apache Kafka', MISSING);
  };
}

function tell(broker: string): void {
  if (!told) process.stderr.write(`\n  tests on Kafka run on ${broker}\n`);
  told = true;
}

function apacheJars(): string | undefined {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const folder = process.env.FLEXDER_KAFKA_JARS || join(cache, 'flexder', 'kafka');
  // The fetching script puts the pom there last.
  return existsSync(join(folder, 'pom.xml')) && programPath('java') !== undefined ? folder : undefined;
}

export interface KafkaOptions {
  /** Those of a broker that was stopped: it comes back as it was. */
  readonly port?: number;
  readonly folder?: string;
  /** Further lines of `server.properties`, and listeners in place of the plain one: `{port}` stands for the port. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Further arguments of `kafka-storage format`: `--add-scram …`. */
  readonly format?: readonly string[];
}

export async function startKafka(options: KafkaOptions = {}): Promise<KafkaServer> {
  const jars = apacheJars();
  return jars === undefined ? startMock() : startApache(jars, options);
}

async function startApache(jars: string, options: KafkaOptions): Promise<KafkaServer> {
  const { port = await freePort(), folder = testFolder('kafka'), properties = {}, format = [] } = options;
  const config = join(folder, 'server.properties');
  const first = !existsSync(config);
  if (first) writeFileSync(config, serverProperties(port, await freePort(), folder, properties));
  const engine = await runApache(jars, config, port, first ? format : undefined);
  return { ...engine, kind: 'apache', port, folder, url: (prefix) => `kafka://127.0.0.1:${port}/${prefix}` };
}

/** A broker with somebody else's `server.properties`, which listens at `port`; the first time in its folder. */
export function startKafkaFrom(config: string, port: number): Promise<EngineProcess> {
  const jars = apacheJars();
  if (jars === undefined) throw new Error(`Apache Kafka is not here: ${MISSING}`);
  return runApache(jars, config, port, []);
}

/** Prepares the folder of a new broker when `format` is given. */
function runApache(jars: string, config: string, port: number, format?: readonly string[]): Promise<EngineProcess> {
  const java = ['-cp', join(jars, '*'), '-Xms96m', '-Xmx320m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
  java.push('-Dorg.slf4j.simpleLogger.defaultLogLevel=error');
  if (format) {
    const storage = ['kafka.tools.StorageTool', 'format', '-t', 'MkU3OEVBNTcwNTJENDM2Qg', '-c', config, ...format];
    execFileSync('java', [...java, ...storage], { stdio: ['ignore', 'ignore', 'pipe'] });
  }
  return startEngine({ program: 'java', args: [...java, 'kafka.Kafka', config], ready: () => accepts(port) });
}

function serverProperties(
  port: number,
  controllerPort: number,
  folder: string,
  more: Readonly<Record<string, string>>,
): string {
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: 'PLAINTEXT://127.0.0.1:{port}',
    'log.dirs': join(folder, 'data'),
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'log.cleaner.dedupe.buffer.size': '2097152',
    // A member alone in its group is no reason to wait for more of them.
    'group.initial.rebalance.delay.ms': '0',
    ...more,
  };
  properties.listeners = `${properties.listeners},CONTROLLER://127.0.0.1:${controllerPort}`;
  const lines = Object.entries(properties).map(
    ([name, value]) => `${name}=${value.replaceAll('{port}', String(port))}`,
  );
  return `${lines.join('\n')}\n`;
}

/** In memory and gone with its process: a restart is an empty broker on another port. */
async function startMock(): Promise<KafkaServer> {
  let port = 0;
  const engine = await startEngine({
    program: 'kcat',
    args: ['-C', '-t', 'seed', '-b', 'mock', '-X', 'test.mock.num.brokers=1', '-d', 'mock'],
    ready: async (output) => {
      port = Number(/bootstrap\.servers=127\.0\.0\.1:(\d+)/.exec(output)?.[1] ?? 0);
      return port > 0 && (await accepts(port));
    },
  });
  const url = (prefix: string) => `kafka://127.0.0.1:${port}/${prefix}?create=broker&idempotent=no`;
  return { ...engine, kind: 'mock', port, folder: '', url };
}
