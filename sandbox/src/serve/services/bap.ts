import { listensToBus } from '@flexder/bap-dso/config.ts';
import { configFromEnv, settingsOf } from '@flexder/bap-dso/config-env.ts';
import { startBap } from '@flexder/bap-dso/main.ts';
import type { ServiceKind } from '../process/kind.ts';
import { needsStream } from '../settings/config.ts';

const bap: ServiceKind = {
  configure(env) {
    const config = configFromEnv(env);
    if (config.monitoring === 'stream' || config.telemetry !== 'mqtt')
      needsStream(env, 'this DSO hears of its feeders over the event stream');
    return async (base) => {
      await base.reachable('the registry of FLEXDER_REGISTRY_URL', config.registryUrl);
      if (listensToBus(config)) await base.reachable('the broker of FLEXDER_MQTT_URL', base.config.engines.mqttUrl);
      const context = await base.context();
      return base.keep(await startBap(context, config));
    };
  },
  settings: (env) => settingsOf(configFromEnv(env)),
};
export default bap;
