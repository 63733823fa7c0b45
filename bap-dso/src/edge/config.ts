/** The configuration of Grid Monitoring alone at the edge, checked whole at the start. */
import { z } from 'zod';
import { busCredentials, ConfigError, feeder, history, identifier, telemetry, unlessProblems } from '../config.ts';
import { type Env, readVariables } from '../environment.ts';
import { FEEDERS } from '../limits.ts';

const schema = z
  .object({
    /** Names this process on the stream, its schema in the database and, by default, its group. */
    monitorId: identifier,
    /** Subscriber id of the DSO whose feeders these are. */
    dsoId: identifier,
    feeders: z.array(feeder).min(1).max(FEEDERS),
    history: z.array(history).default([]),
    forecastHorizonMinutes: z.number().min(15).max(120).default(60),
    telemetry,
    busCredentials: busCredentials.optional(),
    /** Processes of one group share the telemetry of the event stream between them; all must know the same feeders. */
    group: identifier.optional(),
  })
  .superRefine((config, check) => {
    if (config.telemetry !== 'stream' && !config.busCredentials)
      check.addIssue({ code: 'custom', path: ['busCredentials'], message: 'is missing' });
    if (new Set(config.feeders.map(({ feederId }) => feederId)).size < config.feeders.length)
      check.addIssue({ code: 'custom', path: ['feeders'], message: 'name one twice' });
  });

export type EdgeConfigInput = z.input<typeof schema>;
/** `shared`: monitors of other ids may be in its group. */
export type EdgeConfig = z.output<typeof schema> & { readonly group: string; readonly shared: boolean };

/** Fills in the defaults. Throws ConfigError with every problem at once. */
export function edgeConfig(input: EdgeConfigInput): EdgeConfig {
  const result = schema.safeParse(input);
  if (!result.success)
    throw new ConfigError(result.error.issues.map(({ path, message }) => `${path.join('.') || 'config'} ${message}`));
  const { group, monitorId } = result.data;
  return { ...result.data, group: group ?? `monitor.${monitorId}`, shared: group !== undefined };
}

const VARIABLES = {
  texts: {
    FLEXDER_MONITOR_ID: 'monitorId',
    FLEXDER_MONITOR_DSO_ID: 'dsoId',
    FLEXDER_MONITOR_TELEMETRY: 'telemetry',
    FLEXDER_MONITOR_GROUP: 'group',
  },
  numbers: { FLEXDER_MONITOR_FORECAST_HORIZON_MINUTES: 'forecastHorizonMinutes' },
  documents: { FLEXDER_MONITOR_FEEDERS: 'feeders', FLEXDER_MONITOR_HISTORY: 'history' },
} as const;

/** Reads `FLEXDER_MONITOR_…` variables. Throws ConfigError with every problem at once. */
export function edgeConfigFromEnv(env: Env): EdgeConfig {
  const problems: string[] = [];
  const input: Record<string, unknown> = readVariables<string>(env, VARIABLES, problems);
  const username = env.FLEXDER_MONITOR_MQTT_USERNAME;
  const password = env.FLEXDER_MONITOR_MQTT_PASSWORD;
  if (input.telemetry !== 'stream' || username || password) input.busCredentials = { username, password };
  return unlessProblems(problems, () => edgeConfig(input as EdgeConfigInput));
}
