/** The only reader of the DSO's environment: which variable is which member of its configuration, and the way back. */
import { type BapConfig, type BapConfigInput, bapConfig, unlessProblems } from './config.ts';
import { type Env, readVariables } from './environment.ts';
import { feedersOf } from './network-model/feeders.ts';
import { importNetwork } from './network-model/import.ts';
import { NetworkImportError } from './network-model/problems.ts';
import { openDataConfig, openDataSettings } from './open-data/config.ts';
import { oidcConfig, oidcSettings } from './operator-api/access/oidc/config.ts';

const TEXTS: Record<string, keyof BapConfigInput> = {
  FLEXDER_BAP_HOST: 'host',
  FLEXDER_BAP_PUBLIC_URL: 'publicUrl',
  FLEXDER_BAP_SUBSCRIBER_ID: 'subscriberId',
  FLEXDER_BAP_NAME: 'dsoName',
  FLEXDER_REGISTRY_URL: 'registryUrl',
  FLEXDER_DOMAIN: 'domain',
  FLEXDER_CITY: 'city',
  FLEXDER_COUNTRY: 'country',
  FLEXDER_NETWORK_PROFILE: 'networkProfile',
  FLEXDER_BAP_INTERVENTION_CLASS: 'interventionClass',
  FLEXDER_BAP_MONITORING: 'monitoring',
  FLEXDER_BAP_TELEMETRY: 'telemetry',
  FLEXDER_BAP_VIEWING: 'viewing',
  FLEXDER_BAP_EMERGENCY: 'emergency',
  FLEXDER_BAP_ORDER_CHANGES: 'orderChanges',
};

const NUMBERS: Record<string, keyof BapConfigInput> = {
  FLEXDER_BAP_PORT: 'port',
  FLEXDER_BAP_GATHER_BOUND_MS: 'gatherBoundMs',
  FLEXDER_BAP_GATHER_OVERALL_MS: 'gatherOverallMs',
  FLEXDER_BAP_ANSWER_TIMEOUT_MS: 'answerTimeoutMs',
  FLEXDER_BAP_MAX_PRICE_GBP_PER_KWH: 'maxPriceGbpPerKwh',
  FLEXDER_BAP_EMERGENCY_MAX_PRICE_GBP_PER_KWH: 'emergencyMaxPriceGbpPerKwh',
  FLEXDER_BAP_MIN_RELIABILITY: 'minReliability',
  FLEXDER_BAP_MAX_RESPONSE_SECONDS: 'maxResponseSeconds',
  FLEXDER_BAP_FORECAST_HORIZON_MINUTES: 'forecastHorizonMinutes',
  FLEXDER_BAP_FORECAST_MARGIN_MINUTES: 'forecastMarginMinutes',
  FLEXDER_BAP_ACTIVATION_LEAD_SECONDS: 'activationLeadSeconds',
  FLEXDER_BAP_VERIFY_AFTER_SECONDS: 'verifyAfterSeconds',
  FLEXDER_BAP_ACKNOWLEDGE_WITHIN_SECONDS: 'acknowledgeWithinSeconds',
  FLEXDER_BAP_MAX_BPP_KW: 'maxBppKw',
  FLEXDER_BAP_PLAN_SOLVE_MS: 'planSolveMs',
  FLEXDER_BAP_MAX_TOP_UPS: 'maxTopUps',
  FLEXDER_BAP_MAX_REPLANS: 'maxReplans',
  FLEXDER_BAP_RELEASE_STAGGER_SECONDS: 'releaseStaggerSeconds',
  FLEXDER_BAP_DEFAULT_WINDOW_MINUTES: 'defaultWindowMinutes',
  FLEXDER_BAP_STALE_FINDING_SECONDS: 'staleFindingSeconds',
};

const DOCUMENTS: Record<string, keyof BapConfigInput> = {
  FLEXDER_BAP_FEEDERS: 'feeders',
  FLEXDER_BAP_HISTORY: 'history',
  FLEXDER_BAP_SETTLEMENT: 'settlement',
  FLEXDER_BAP_KEYS: 'keys',
  FLEXDER_BAP_OPERATORS: 'operators',
  FLEXDER_BAP_MODES: 'modes',
};

/** Reads `FLEXDER_…` variables. Throws ConfigError with every problem at once. */
export function configFromEnv(env: Env): BapConfig {
  const problems: string[] = [];
  const variables = { texts: TEXTS, numbers: NUMBERS, documents: DOCUMENTS };
  const input: Record<string, unknown> = readVariables(env, variables, problems);
  const credentials = { username: env.FLEXDER_BAP_MQTT_USERNAME, password: env.FLEXDER_BAP_MQTT_PASSWORD };
  const needed = input.monitoring !== 'stream' && input.telemetry !== 'stream';
  if (needed || credentials.username || credentials.password) input.busCredentials = credentials;
  const profile = input.networkProfile === 'sandbox' ? 'sandbox' : 'strict';
  input.openData = openDataConfig(env, profile, problems);
  const oidc = oidcConfig(env, profile, env.FLEXDER_BAP_PUBLIC_URL, problems);
  if (oidc) input.oidc = oidc;
  readNetwork(env, input, problems);
  return unlessProblems(problems, () => bapConfig(input as BapConfigInput));
}

/** By variable, what a configuration has, its documents left out. */
export function settingsOf(config: BapConfig): Record<string, unknown> {
  const held = config as unknown as Record<string, unknown>;
  const values = Object.entries({ ...TEXTS, ...NUMBERS }).map(([name, member]) => [name, held[member]] as const);
  return { ...Object.fromEntries(values), ...openDataSettings(config.openData), ...oidcSettings(config.oidc) };
}

/** A network set stands in place of a list of feeders. */
function readNetwork(env: Env, input: Record<string, unknown>, problems: string[]): void {
  const dir = env.FLEXDER_BAP_NETWORK_DIR;
  if (!dir) return;
  if (env.FLEXDER_BAP_FEEDERS) problems.push('set one of FLEXDER_BAP_NETWORK_DIR and FLEXDER_BAP_FEEDERS, not both');
  try {
    const network = importNetwork(dir);
    input.network = network;
    input.feeders = feedersOf(network);
  } catch (error) {
    if (!(error instanceof NetworkImportError)) throw error;
    problems.push(...error.problems.map((problem) => `FLEXDER_BAP_NETWORK_DIR: ${problem}`));
  }
}
