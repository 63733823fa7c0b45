/** The settings a service runs with, as they may be shown to anybody. */
import type { Env, ProcessConfig } from './config.ts';

export interface Setting {
  readonly variable: string;
  /** Without what is secret. */
  readonly value: string;
  readonly from: 'file' | 'environment' | 'option' | 'default';
}

const HIDDEN = '***';
/** Variables that hold a secret themselves; one that ends in _FILE holds a path. */
const SECRET = /PASSWORD|SECRET|TOKEN|ACCESS_KEY_ID|_KEYS?$/;

/**
 * Those of the variables in `asked` that are set or have a default, by name. `defaults` says what holds where a variable
 * is not set, `from` where one that is set was read.
 */
export function settingsOf(
  env: Env,
  asked: ReadonlySet<string>,
  defaults: Readonly<Record<string, unknown>>,
  from: (variable: string) => Setting['from'],
): Setting[] {
  const known = [...asked].filter((name) => name.startsWith('FLEXDER_')).sort();
  return known.flatMap((variable): Setting[] => {
    const set = env[variable];
    const value = set || defaults[variable];
    if (value === undefined || value === '') return [];
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
    return [{ variable, value: shown(variable, text), from: set ? from(variable) : 'default' }];
  });
}

/** A value without passwords; documents by their length, since any of them may hold something. */
export function shown(variable: string, value: string): string {
  if (SECRET.test(variable) && !variable.endsWith('_FILE')) return HIDDEN;
  if (/^\s*[[{]/.test(value)) return `(JSON of ${value.length} characters)`;
  // As far as the last @: a password may hold one that nobody encoded.
  const open = value.replace(/:\/\/(.*)@/s, (_, login: string) => {
    const [user, ...password] = login.split(':');
    return `://${user}${password.length > 0 ? `:${HIDDEN}` : ''}@`;
  });
  return open.replace(/([?&][^=&]*(?:password|secret|token|key)=)[^&]*/gi, `$1${HIDDEN}`);
}

/** What the process itself has where its variables are not set. */
export function processDefaults({ dataDir, logLevel, healthHost, healthPort, drainMs, engines }: ProcessConfig) {
  return {
    FLEXDER_DATA: dataDir,
    FLEXDER_LOG_LEVEL: logLevel,
    FLEXDER_HEALTH_HOST: healthHost,
    FLEXDER_HEALTH_PORT: healthPort,
    FLEXDER_DRAIN_MS: drainMs,
    FLEXDER_DATABASE_URL: engines.databaseUrl,
    FLEXDER_QUEUE_URL: engines.queueUrl,
    FLEXDER_MQTT_URL: engines.mqttUrl,
    FLEXDER_MQTT_VERSION: engines.mqtt?.version,
    FLEXDER_EVENTS_URL: engines.eventsUrl,
    FLEXDER_ARCHIVE_URL: engines.archiveUrl,
    FLEXDER_ARCHIVE_CREATE_BUCKET: engines.archiveAccess?.createBucket,
    FLEXDER_NETWORK_PROFILE: engines.mqtt?.profile,
  };
}
