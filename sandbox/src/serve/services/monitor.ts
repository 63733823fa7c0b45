import { edgeConfigFromEnv } from '@flexder/bap-dso/edge/config.ts';
import { startMonitor } from '@flexder/bap-dso/edge/main.ts';
import type { ServiceKind } from '../process/kind.ts';
import { needsStream } from '../settings/config.ts';

const monitor: ServiceKind = {
  configure(env) {
    const config = edgeConfigFromEnv(env);
    needsStream(env, 'a monitor tells of its findings over the event stream');
    return async (base) => {
      if (config.telemetry !== 'stream')
        await base.reachable('the broker of FLEXDER_MQTT_URL', base.config.engines.mqttUrl);
      // The event stream is not waited for: an edge starts without its uplink.
      const context = await base.context();
      return base.keep(await startMonitor(context, config));
    };
  },
  settings(env) {
    const { telemetry, group, forecastHorizonMinutes } = edgeConfigFromEnv(env);
    return {
      FLEXDER_MONITOR_TELEMETRY: telemetry,
      FLEXDER_MONITOR_GROUP: group,
      FLEXDER_MONITOR_FORECAST_HORIZON_MINUTES: forecastHorizonMinutes,
    };
  },
};
export default monitor;
