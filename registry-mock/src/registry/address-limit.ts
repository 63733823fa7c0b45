import { bounded } from '@flexder/protocol/beckn/bounded.ts';
import { createTokenBucket, type TokenBucket } from '@flexder/runtime/participant/token-bucket.ts';
import ipaddr from 'ipaddr.js';
import { ADDRESS_SHARE, ADDRESSES } from '../limits.ts';

/** Lets each remote address have its share of a rate, so that who floods shuts nobody else out. */
export interface AddressLimit {
  /** `address` is that of the socket; sockets without one count together. */
  take(address: string | undefined): boolean;
}

/** `atOnce` and `perSecond` are those of all addresses together. */
export function createAddressLimit(atOnce: number, perSecond: number, monotonicMs: () => number): AddressLimit {
  const buckets = bounded<TokenBucket>(ADDRESSES);
  const make = () => createTokenBucket(atOnce * ADDRESS_SHARE, perSecond * ADDRESS_SHARE, monotonicMs);
  return { take: (address) => buckets.get(holderOf(address), make).take() };
}

/** Whose address it is: of IPv6 a host has a whole /64 to choose from. */
export function holderOf(address = ''): string {
  if (!ipaddr.isValid(address)) return address;
  // An IPv4 address that came over an IPv6 socket is an IPv4 address.
  const parsed = ipaddr.process(address);
  return parsed.kind() === 'ipv4' ? parsed.toString() : `${parsed.toByteArray().slice(0, 8)}`;
}
