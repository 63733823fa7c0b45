import type { SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
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
