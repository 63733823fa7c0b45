/** The only reader of an aggregator's environment: which variable is which member of its configuration, and the way back. */
import { readFileSync } from 'node:fs';
import { type AggregatorConfig, ConfigError, parseConfig } from './config.ts';

interface Variable {
  readonly path: readonly string[];
  readonly number?: true;
  /** The variable names a file with this in it. */
  readonly file?: 'json' | 'text';
}

/** Environment variable of each setting; numbers are decimal text, prices and response times one a device type. */
const VARIABLES: Readonly<Record<string, Variable>> = {
  FLEXDER_BPP_HOST: { path: ['host'] },
  FLEXDER_BPP_PORT: { path: ['port'], number: true },
  FLEXDER_BPP_PUBLIC_URL: { path: ['publicUrl'] },
  FLEXDER_BPP_SUBSCRIBER_ID: { path: ['subscriberId'] },
  FLEXDER_BPP_NAME: { path: ['name'] },
  FLEXDER_BPP_PROVIDER_ID: { path: ['providerId'] },
  FLEXDER_REGISTRY_URL: { path: ['registryUrl'] },
  FLEXDER_DOMAIN: { path: ['domain'] },
  FLEXDER_COUNTRY: { path: ['country'] },
  FLEXDER_CITY: { path: ['city'] },
  FLEXDER_NETWORK_PROFILE: { path: ['networkProfile'] },
  FLEXDER_BPP_OPERATOR_TOKEN: { path: ['operatorToken'] },
  FLEXDER_BPP_MQTT_USERNAME: { path: ['busCredentials', 'username'] },
  FLEXDER_BPP_MQTT_PASSWORD: { path: ['busCredentials', 'password'] },
  FLEXDER_BPP_PRICE_BATTERY: { path: ['priceGbpPerKwh', 'battery'], number: true },
  FLEXDER_BPP_PRICE_EV_CHARGER: { path: ['priceGbpPerKwh', 'ev-charger'], number: true },
  FLEXDER_BPP_PRICE_HEAT_PUMP: { path: ['priceGbpPerKwh', 'heat-pump'], number: true },
  FLEXDER_BPP_NOTICE_S: { path: ['minimumNoticeSeconds'], number: true },
  FLEXDER_BPP_MAX_DURATION_S: { path: ['maxDurationSeconds'], number: true },
  FLEXDER_BPP_MAX_EVENTS_PER_DAY: { path: ['maxEventsPerDay'], number: true },
  FLEXDER_BPP_QUOTE_TTL_MS: { path: ['quoteTtlMs'], number: true },
  FLEXDER_BPP_QUOTE_SHARE: { path: ['quoteShare'], number: true },
  FLEXDER_BPP_ANSWER_DEADLINE_S: { path: ['answerDeadlineS'], number: true },
  FLEXDER_BPP_RELEASE_SPREAD_S: { path: ['releaseSpreadSeconds'], number: true },
  FLEXDER_BPP_METER_GRACE_S: { path: ['meterGraceSeconds'], number: true },
  FLEXDER_BPP_SETTLEMENT_CURVE: { path: ['settlementCurve'] },
  FLEXDER_BPP_CONSENT_ANSWER_S: { path: ['consentAnswerSeconds'], number: true },
  FLEXDER_BPP_SUPPORT_PHONE: { path: ['support', 'phone'] },
  FLEXDER_BPP_SUPPORT_EMAIL: { path: ['support', 'email'] },
  FLEXDER_BPP_SUPPORT_URL: { path: ['support', 'url'] },
  FLEXDER_BPP_OCPP_PORT: { path: ['ocpp', 'port'], number: true },
  FLEXDER_BPP_OCPP_HOST: { path: ['ocpp', 'host'] },
  FLEXDER_BPP_OCPP_CERT_FILE: { path: ['ocpp', 'cert'], file: 'text' },
  FLEXDER_BPP_OCPP_KEY_FILE: { path: ['ocpp', 'key'], file: 'text' },
  FLEXDER_BPP_OCPP_ACCOUNTS_FILE: { path: ['ocpp', 'accounts'], file: 'json' },
  FLEXDER_BPP_OPERATORS_FILE: { path: ['operators'], file: 'json' },
  FLEXDER_BPP_ENROLMENT_FILE: { path: ['enrolment'], file: 'json' },
  FLEXDER_BPP_PORTFOLIO_FILE: { path: ['portfolio'], file: 'json' },
  FLEXDER_BPP_KEYS_FILE: { path: ['keys'], file: 'json' },
};

/** Throws a ConfigError whose sentences name the variables to set. */
export function configFromEnv(env: Readonly<Record<string, string | undefined>>): AggregatorConfig {
  const settings: Record<string, unknown> = { host: '127.0.0.1', port: 4100 };
  const unreadable: string[] = [];
  for (const [name, { path, number, file }] of Object.entries(VARIABLES)) {
    const text = env[name];
    if (text === undefined || text === '') continue;
    try {
      put(settings, path, file ? readText(text, file) : number ? Number(text) : text);
    } catch (error) {
      const as = file === 'text' ? '' : ' as JSON';
      unreadable.push(`${name}: ${text} cannot be read${as} (${error instanceof Error ? error.message : error}).`);
    }
  }
  try {
    const config = parseConfig(settings, variableOf);
    if (unreadable.length === 0) return config;
    throw new ConfigError('The aggregator cannot start.');
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError([error.message, ...unreadable].join('\n'));
  }
}

function readText(path: string, kind: 'json' | 'text'): unknown {
  const text = readFileSync(path, 'utf8');
  return kind === 'json' ? JSON.parse(text) : text;
}

function put(settings: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [first, second] = path as [string, string | undefined];
  if (second === undefined) settings[first] = value;
  else settings[first] = { ...(settings[first] as object | undefined), [second]: value };
}

/** By variable, what a configuration has, its documents left out. */
export function settingsOf(config: AggregatorConfig): Record<string, unknown> {
  const at = (path: readonly string[]) =>
    path.reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], config);
  return Object.fromEntries(
    Object.entries(VARIABLES).flatMap(([name, { path, file }]) => (file ? [] : [[name, at(path)]])),
  );
}

function variableOf(path: string): string {
  const found = Object.entries(VARIABLES).find(
    ([, variable]) => path === variable.path.join('.') || path.startsWith(`${variable.path.join('.')}.`),
  );
  return found ? `${found[0]}${path === found[1].path.join('.') ? '' : ` (${path})`}` : path;
}
