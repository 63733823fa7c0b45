/** Bounds of what a peer may send, each with its reason. Times in seconds where the header counts in seconds. */
import type { JsonLimits } from './json.ts';

/** Bounds of one JSON document; the schema sets tighter ones per member. */
export const JSON_LIMITS: JsonLimits = {
  /** The deepest message of this domain has 14 levels; recursive readers overflow far above 32. */
  maxDepth: 32,
  /** The largest object of core 1.1 has about 40 members. */
  maxMembers: 128,
  /** Items of a catalogue: one block per feeder and device type. */
  maxArrayLength: 1000,
  /** Descriptions; identifiers are capped at 128 by their pattern. */
  maxStringLength: 8192,
};

export interface InboundLimits {
  readonly maxBodyBytes: number;
  /** Longest `Authorization` value that is parsed. */
  readonly maxHeaderChars: number;
  /** How far ahead a peer's clock may run: on `created` and on `context.timestamp`; none on `expires`. */
  readonly skewS: number;
  /** Cap of `expires - created`. Verifiers cap, signers do not: protocol-server peers sign for 3,660 s. */
  readonly maxLifetimeS: number;
  /** Oldest `context.timestamp`, whatever its ttl: a stored answer may wait out an outage, not a day. */
  readonly maxMessageAgeS: number;
  readonly json: JsonLimits;
}

export const INBOUND_LIMITS: InboundLimits = {
  /** A catalogue of 150 blocks; express buffers one body per connection. */
  maxBodyBytes: 256 * 1024,
  /** Two identifiers, a signature and the fixed parts take at most 600. */
  maxHeaderChars: 1024,
  skewS: 5,
  maxLifetimeS: 300,
  maxMessageAgeS: 3600,
  json: JSON_LIMITS,
};

/** Imported keys kept ready: creating a KeyObject costs as much as a verification; 2,048 subscribers are a large network. */
export const KEY_OBJECTS = 2048;
/** Own seeds kept ready: one participant has one, an in-process network some dozens. */
export const SEED_OBJECTS = 256;
