import { registryConfigFromEnv } from '@flexder/registry-mock/config.ts';
import { startRegistry } from '@flexder/registry-mock/main.ts';
import type { ServiceKind } from '../process/kind.ts';

const registry: ServiceKind = {
  configure(env) {
    const config = registryConfigFromEnv(env);
    return async (base) => base.keep(await startRegistry(await base.context(), config));
  },
  settings(env) {
    const { host, port, profile, subscriberId } = registryConfigFromEnv(env);
    return {
      FLEXDER_REGISTRY_HOST: host,
      FLEXDER_REGISTRY_PORT: port,
      FLEXDER_REGISTRY_SUBSCRIBER_ID: subscriberId,
      FLEXDER_NETWORK_PROFILE: profile,
    };
  },
};
export default registry;
