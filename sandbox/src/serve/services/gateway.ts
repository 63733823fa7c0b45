import { gatewayConfigFromEnv } from '@flexder/registry-mock/config.ts';
import { startGateway } from '@flexder/registry-mock/main.ts';
import type { ServiceKind } from '../kind.ts';

const gateway: ServiceKind = {
  configure(env) {
    const config = gatewayConfigFromEnv(env);
    return async (base) => {
      await base.reachable('the registry of FLEXDER_REGISTRY_URL', config.registryUrl);
      const context = await base.context();
      return base.keep(await startGateway(context, config));
    };
  },
};
export default gateway;
