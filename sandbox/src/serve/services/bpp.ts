import { configFromEnv, settingsOf } from '@flexder/bpp-aggregator/config-env.ts';
import { type AggregatorService, startAggregator } from '@flexder/bpp-aggregator/main.ts';
import type { ServiceKind } from '../process/kind.ts';
import { reader, ServeConfigError } from '../settings/config.ts';

type MeterHistory = Parameters<AggregatorService['importMeterHistory']>[0];

const bpp: ServiceKind = {
  configure(env) {
    const problems: string[] = [];
    const read = reader(env, problems).json('FLEXDER_BPP_METER_HISTORY_FILE', 'a JSON array of meter rows', 'optional');
    const history = read ?? [];
    if (!Array.isArray(history)) problems.push('FLEXDER_BPP_METER_HISTORY_FILE must hold a JSON array of meter rows.');
    const config = configOr(problems, () => configFromEnv(env));
    return async (base) => {
      await base.reachable('the registry of FLEXDER_REGISTRY_URL', config.registryUrl);
      await base.reachable('the broker of FLEXDER_MQTT_URL', base.config.engines.mqttUrl);
      const context = await base.context();
      const service = base.keep(await startAggregator(context, config, { rehearses: true }));
      // Rows that are stored already stay as they are.
      await service.importMeterHistory(history as MeterHistory);
      return service;
    };
  },
  settings: (env) => settingsOf(configFromEnv(env)),
};
export default bpp;

/** The service's own problems join those noted before it. */
function configOr<T>(problems: readonly string[], configure: () => T): T {
  try {
    const config = configure();
    if (problems.length === 0) return config;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ConfigError') throw error;
    throw new ServeConfigError([...error.message.split('\n').slice(1), ...problems]);
  }
  throw new ServeConfigError(problems);
}
