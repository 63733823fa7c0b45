import { registryConfigFromEnv } from '@flexder/registry-mock/config.ts';
import { startRegistry } from '@flexder/registry-mock/main.ts';
import type { ServiceKind } from '../kind.ts';

const registry: ServiceKind = {
  configure(env) {
    const config = registryConfigFromEnv(env);
    return async (base) => base.keep(await startRegistry(await base.context(), config));
  },
};
export default registry;
