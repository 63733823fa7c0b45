import { gatewayConfigFromEnv } from '@flexder/registry-mock/config.ts';
import { startGateway } from '@flexder/registry-mock/main.ts';
import type { ServiceKind } from '../process/kind.ts';

const gateway: ServiceKind = {
  configure(env) {
    const config = gatewayConfigFromEnv(env);
    return async (base) => {
      await base.reachable('the registry of FLEXDER_REGISTRY_URL', config.registryUrl);
      const context = await base.context();
      return base.keep(await startGateway(context, config));
    };
  },
  settings(env) {
    const { host, port, profile, subscriberId, domain, country, city } = gatewayConfigFromEnv(env);
    return {
      FLEXDER_GATEWAY_HOST: host,
      FLEXDER_GATEWAY_PORT: port,
      FLEXDER_GATEWAY_SUBSCRIBER_ID: subscriberId,
      FLEXDER_NETWORK_PROFILE: profile,
      FLEXDER_DOMAIN: domain,
      FLEXDER_COUNTRY: country,
      FLEXDER_CITY: city,
    };
  },
};
export default gateway;
