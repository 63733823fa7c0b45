/** The engines of `demo` and `up`: those that the variables of `flexder serve` name, embedded ones where none does. */
import { parseS3Url } from '@flexder/runtime/engines/archive/s3-url.ts';
import { kafkaSettings } from '@flexder/runtime/engines/events/kafka/url.ts';
import { redisPlace } from '@flexder/runtime/engines/queue/redis-url.ts';
import type { OutsideBroker } from '../network/broker.ts';
import { earlierRun, type StoreUrls } from '../network/earlier-run.ts';
import { DSO_ID, GATEWAY_ID, REGISTRY_ID } from '../network/ids.ts';
import { mosquittoIn } from '../network/mosquitto.ts';
import type { Scenario } from '../scenario/types.ts';
import { servingPid } from '../serve/mosquitto-folder.ts';
import { type Env, storeEngines } from '../serve/settings/config.ts';
import { mqttEngine } from '../serve/settings/mqtt-config.ts';
import { type CommandOptions, text, UsageError, type Values } from './command.ts';

export const ENGINE_OPTIONS: CommandOptions = {
  mosquitto: {
    type: 'string',
    value: 'DIR',
    help: 'folder that the Mosquitto of FLEXDER_MQTT_URL runs from; its accounts are replaced',
  },
};

export interface ChosenEngines extends StoreUrls {
  readonly outside?: OutsideBroker;
}

/** Throws a UsageError with everything that is wrong; asks no server. */
export function enginesOf(values: Values, env: Env): ChosenEngines {
  const problems: string[] = [];
  const stores = storeEngines(env, problems);
  const outside = outsideOf(text(values, 'mosquitto'), env, problems);
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return { ...stores, ...(outside && { outside }) };
}

/** Devices are given accounts as they enrol, so a broker outside has to be one that is told of them. */
function outsideOf(folder: string | undefined, env: Env, problems: string[]): OutsideBroker | undefined {
  if (!env.FLEXDER_MQTT_URL) {
    if (folder !== undefined) problems.push('--mosquitto goes with FLEXDER_MQTT_URL, where that Mosquitto listens.');
    return undefined;
  }
  const { mqttUrl, mqtt } = mqttEngine({ ...env, FLEXDER_NETWORK_PROFILE: 'sandbox' }, problems);
  if (folder === undefined) {
    problems.push(
      'FLEXDER_MQTT_URL names a broker that has to be told the accounts of this run, and only Mosquitto can be: add ' +
        '--mosquitto DIR, the folder that it runs from (`flexder broker mosquitto --dir DIR` makes one), or unset the ' +
        'variable for the embedded broker.',
    );
    return undefined;
  }
  if (servingPid(folder) === undefined)
    problems.push(
      `--mosquitto ${folder}: no Mosquitto runs from there: start it with mosquitto -c ${folder}/mosquitto.conf.`,
    );
  return problems.length > 0 ? undefined : mosquittoIn(folder, mqttUrl, mqtt);
}

/** A scenario begins at its own time: on top of an earlier run the record would go backwards. */
export async function refuseEarlierRun(engines: ChosenEngines, scenario: Scenario, dataDir: string): Promise<void> {
  const aggregators = scenario.aggregators.map(({ subscriberId }) => subscriberId);
  const found = await earlierRun(engines, [REGISTRY_ID, GATEWAY_ID, DSO_ID, ...aggregators], dataDir).catch(
    (error: Error) => {
      throw new UsageError(`an engine cannot be asked what it holds: ${error.message}`);
    },
  );
  if (found.length > 0) throw new UsageError(found.join('\n'));
}

/** One line, without passwords. */
export function engineLine({ databaseUrl, queueUrl, eventsUrl, archiveUrl, outside }: ChosenEngines): string {
  const parts = {
    database: databaseUrl.startsWith('postgres') ? `PostgreSQL ${postgresName(databaseUrl)}` : 'PGlite',
    queue: queueName(queueUrl),
    broker: outside ? `Mosquitto ${outside.url}` : 'embedded',
    events: eventsUrl.startsWith('kafka:') ? `Kafka ${kafkaName(eventsUrl)}` : 'in memory',
    archive: archiveUrl.startsWith('s3:') ? `S3 ${s3Name(archiveUrl)}` : 'files',
  };
  return `Engines: ${Object.entries(parts)
    .map(([what, where]) => `${what} ${where}`)
    .join(', ')}.`;
}

/** By itself: what knows more of these URLs loads the client of PostgreSQL. */
function postgresName(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}:${port || 5432}${pathname}`;
}

function queueName(url: string): string {
  if (url.startsWith('pglite:')) return 'in PGlite';
  return url.startsWith('postgres') ? `PostgreSQL ${postgresName(url)}` : redisPlace(url).shown;
}

function kafkaName(url: string): string {
  const { brokers, prefix } = kafkaSettings(url);
  return `${brokers.join(',')}/${prefix}`;
}

function s3Name(url: string): string {
  const { bucket, prefix } = parseS3Url(url);
  return `${bucket}/${prefix}`;
}
