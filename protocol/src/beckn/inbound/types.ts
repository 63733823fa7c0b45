import { ERRORS, type ErrorCode } from '@flexder/schemas/errors.ts';
import type { Action, SubscriberType } from '../actions.ts';
import type { BecknBody } from '../envelope.ts';
import type { KeyId, SubscriberId } from '../identifiers.ts';
import type { InboundLimits } from '../limits.ts';
import type { ParsedSignature } from '../signature-header.ts';

export interface InboundRequest {
  /** From the path. */
  readonly action: string;
  /** Lower-case names, every occurrence (`headersDistinct` of node:http). */
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>;
  /** The raw bytes as they came; undefined when nobody kept them, which is a reason to refuse. */
  readonly body: Uint8Array | undefined;
}

export type KeyLookup =
  | {
      readonly found: true;
      /** Raw 32 bytes or SPKI DER, base64. */
      readonly publicKey: string;
      /** Registered URL of the subscriber. */
      readonly url: string;
      readonly validFromMs: number;
      readonly validUntilMs: number;
      readonly status: string;
      /** Registry type, where the registry says it. */
      readonly type?: SubscriberType;
    }
  | { readonly found: false; readonly what: 'subscriber' | 'key' }
  | { readonly unavailable: true }
  /** The registry may not be asked now: too many unknown keys. */
  | { readonly limited: true };

export type KeyFound = Extract<KeyLookup, { found: true }>;

/** As the schemas room answers. */
export type SchemaVerdict =
  | { readonly valid: true }
  | {
      readonly valid: false;
      readonly errors: readonly { readonly path: string; readonly code: string; readonly message: string }[];
    };

/**
 * `new`: stored now. `same`: stored before with the same bytes. `different`: the key (signer, action, message_id)
 * is taken by other bytes. `overloaded`: not stored, the backlog is older than it may be.
 */
export type RememberVerdict = 'new' | 'same' | 'different' | 'overloaded';

export interface InboundDeps {
  readonly self: { readonly subscriberId: SubscriberId; readonly role: SubscriberType };
  /** What this participant serves. */
  readonly actions: ReadonlySet<Action>;
  /** Wall time. */
  readonly nowMs: number;
  readonly limits: InboundLimits;
  readonly keys: {
    /** `fresh` asks the registry whatever the cache says; of one who has several roles, the record of `role` counts. */
    find(
      subscriberId: SubscriberId,
      keyId: KeyId,
      options: { readonly fresh: boolean; readonly role: SubscriberType },
    ): Promise<KeyLookup>;
  };
  readonly validate: (action: Action, body: unknown) => SchemaVerdict;
  readonly store: { remember(message: InboundAccepted): Promise<RememberVerdict> };
}

/** A message that passed every step. */
export interface InboundAccepted {
  readonly action: Action;
  readonly signerId: SubscriberId;
  readonly body: BecknBody;
  /** The bytes that were signed. */
  readonly raw: Uint8Array;
  /** Lower-case hex SHA-256 of the raw bytes. */
  readonly sha256: string;
  /** `publicKey`: what it was verified with, as the registry gave it, base64. */
  readonly signature: { readonly keyId: KeyId; readonly value: string; readonly publicKey: string };
  /** The gateway that passed a search on, its signature verified. */
  readonly gatewayId?: SubscriberId;
  /** Wall clock, epoch milliseconds. */
  readonly receivedAtMs: number;
}

export type InboundReason =
  | 'media-type'
  | 'encoding'
  | 'size'
  | 'body'
  | 'missing'
  | 'header'
  | 'algorithm'
  | 'coverage'
  | 'created'
  | 'expired'
  | 'lifetime'
  | 'subscriber-unknown'
  | 'key-unknown'
  | 'key-status'
  | 'key-validity'
  | 'key-type'
  | 'registry'
  | 'rate'
  | 'key'
  | 'digest'
  | 'signature'
  | 'json'
  | 'number'
  | 'context'
  | 'action'
  | 'recipient'
  | 'signer'
  | 'signer-role'
  | 'counterparty-url'
  | 'schema'
  | 'timestamp'
  | 'ttl'
  | 'duplicate'
  | 'store'
  | 'overloaded'
  | 'pipeline';

export interface InboundRejection {
  readonly accepted: false;
  readonly status: number;
  readonly code: ErrorCode;
  readonly reason: InboundReason;
  /** What, where and what to do, for the peer's developer. */
  readonly text: string;
  /** JSON pointer. */
  readonly path?: string;
  /** Answer with an authenticate header (`authenticateHeader` in envelope.ts). */
  readonly challenge?: boolean;
  /** It was the gateway's signature: `Proxy-Authenticate`. */
  readonly gateway?: boolean;
  /** What a dependency threw, for the log only. */
  readonly cause?: unknown;
}

export type InboundOutcome =
  | {
      readonly accepted: true;
      readonly status: 200;
      readonly message: InboundAccepted;
      /** The same bytes were accepted before: acknowledge again, do nothing. */
      readonly repeated: boolean;
    }
  | InboundRejection;

export interface InboundStep {
  readonly name: string;
  readonly run: StepRun;
}

export type StepRun = (
  state: InboundState,
  deps: InboundDeps,
) => InboundRejection | undefined | Promise<InboundRejection | undefined>;

/** One signature over the body: the sender's, or that of the gateway which passed it on. */
export interface Credential {
  readonly by: 'sender' | 'gateway';
  /** As what the signer has to be registered. */
  readonly role: SubscriberType;
  readonly parsed: ParsedSignature;
  key?: KeyFound;
}

/** What the steps have learnt so far. */
export interface InboundState {
  readonly request: InboundRequest;
  readonly credentials: Credential[];
  value?: unknown;
  accepted?: InboundAccepted;
  remembered?: RememberVerdict;
}

export function startState(request: InboundRequest): InboundState {
  return { request, credentials: [] };
}

export function reject(
  code: ErrorCode,
  reason: InboundReason,
  text: string,
  more: { path?: string; gateway?: boolean; cause?: unknown } = {},
): InboundRejection {
  const status = ERRORS[code].http;
  return { accepted: false, status, code, reason, text, ...(status === 401 && { challenge: true }), ...more };
}

/** A step found nothing of what an earlier one should have left: the pipeline is wrong, the message is not let through. */
export function incomplete(step: string): InboundRejection {
  return reject('INTERNAL', 'pipeline', `the message could not be checked (${step}); send it again later`);
}
