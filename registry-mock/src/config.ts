import { isIdentifier, type SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import type { ParticipantKeys } from '@flexder/runtime/participant/types.ts';

export interface RegistryConfig {
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
  /** `strict` takes https addresses only, `sandbox` http loopback ones. */
  readonly profile: 'strict' | 'sandbox';
  /** Default `registry.flexder.example`. */
  readonly subscriberId?: SubscriberId;
  /** The address that participants use when it is not the one listened on. */
  readonly url?: string;
}

export interface GatewayConfig {
  readonly host: string;
  readonly port: number;
  readonly profile: 'strict' | 'sandbox';
  readonly registryUrl: string;
  readonly domain: string;
  readonly country: string;
  readonly city: string;
  /** Default `gateway.flexder.example`. */
  readonly subscriberId?: SubscriberId;
  /** Made at the first start and kept in the gateway's schema when absent. */
  readonly keys?: ParticipantKeys;
  readonly url?: string;
}

export const DEFAULT_REGISTRY_ID = 'registry.flexder.example' as SubscriberId;
export const DEFAULT_GATEWAY_ID = 'gateway.flexder.example' as SubscriberId;

export class ConfigError extends Error {
  override name = 'ConfigError';
  readonly problems: readonly string[];
  constructor(service: string, problems: readonly string[]) {
    super(`the ${service} cannot start: ${problems.join(' ')}`);
    this.problems = problems;
  }
}

type Env = Readonly<Record<string, string | undefined>>;

/** Reads variables and notes what is wrong with them, so that all of it can be told at once. */
function reader(env: Env, problems: string[]) {
  const text = (name: string, fallback: string) => env[name] || fallback;
  return {
    text,
    port(name: string, fallback: number): number {
      const port = Number(text(name, String(fallback)));
      if (!Number.isInteger(port) || port < 0 || port > 65_535)
        problems.push(`${name} must be a port from 0 (a free one) to 65535, not ${JSON.stringify(env[name])}.`);
      return port;
    },
    url(name: string): string | undefined {
      const url = env[name] || undefined;
      if (url !== undefined && !/^https?:\/\/[^/]/.test(url))
        problems.push(`${name} must be an http or https URL, not ${JSON.stringify(url)}.`);
      return url;
    },
    identifier(name: string, fallback: SubscriberId): SubscriberId {
      const id = text(name, fallback);
      if (!isIdentifier(id))
        problems.push(`${name} must be letters, digits, dots, underscores and hyphens, not ${JSON.stringify(id)}.`);
      return id as SubscriberId;
    },
    profile(): 'strict' | 'sandbox' {
      const profile = text('FLEXDER_NETWORK_PROFILE', 'strict');
      if (profile !== 'strict' && profile !== 'sandbox')
        problems.push(`FLEXDER_NETWORK_PROFILE must be strict or sandbox, not ${JSON.stringify(profile)}.`);
      return profile as 'strict' | 'sandbox';
    },
  };
}

function orThrow<T>(service: string, config: T, problems: readonly string[]): T {
  if (problems.length > 0) throw new ConfigError(service, problems);
  return config;
}

/** Reads `FLEXDER_REGISTRY_…`. Throws ConfigError with every problem at once. */
export function registryConfigFromEnv(env: Env): RegistryConfig {
  const problems: string[] = [];
  const read = reader(env, problems);
  const config = {
    host: read.text('FLEXDER_REGISTRY_HOST', '127.0.0.1'),
    port: read.port('FLEXDER_REGISTRY_PORT', 4000),
    profile: read.profile(),
    subscriberId: read.identifier('FLEXDER_REGISTRY_SUBSCRIBER_ID', DEFAULT_REGISTRY_ID),
    url: read.url('FLEXDER_REGISTRY_PUBLIC_URL'),
  };
  return orThrow('registry', config, problems);
}

/** Reads `FLEXDER_GATEWAY_…` and where its network is. Throws ConfigError with every problem at once. */
export function gatewayConfigFromEnv(env: Env): GatewayConfig {
  const problems: string[] = [];
  const read = reader(env, problems);
  const registryUrl = read.url('FLEXDER_REGISTRY_URL');
  if (registryUrl === undefined) problems.push('FLEXDER_REGISTRY_URL must name the registry of the network.');
  const config = {
    host: read.text('FLEXDER_GATEWAY_HOST', '127.0.0.1'),
    port: read.port('FLEXDER_GATEWAY_PORT', 4050),
    profile: read.profile(),
    registryUrl: registryUrl ?? '',
    domain: read.text('FLEXDER_DOMAIN', 'deg:demand-flexibility'),
    country: read.text('FLEXDER_COUNTRY', 'GBR'),
    city: read.text('FLEXDER_CITY', 'std:020'),
    subscriberId: read.identifier('FLEXDER_GATEWAY_SUBSCRIBER_ID', DEFAULT_GATEWAY_ID),
    url: read.url('FLEXDER_GATEWAY_PUBLIC_URL'),
  };
  return orThrow('gateway', config, problems);
}
