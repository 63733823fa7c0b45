/**
 * A participant: what BAP and BPP have in common on a Beckn network. It receives signed messages through the one
 * inbound pipeline, runs one handler per action in one transaction, and delivers what the transaction left behind.
 */
import type { AuditEntry } from '@flexder/protocol/audit/record.ts';
import type { Action, SubscriberType } from '@flexder/protocol/beckn/actions.ts';
import type { BecknBody, BecknError } from '@flexder/protocol/beckn/envelope.ts';
import type { KeyId, MessageId, SubscriberId, TransactionId } from '@flexder/protocol/beckn/identifiers.ts';
import type { Transaction } from 'kysely';
import type { StreamEvent } from '../engines/events/port.ts';
import type { Job } from '../engines/queue/port.ts';

export type { BecknBody, BecknContext, BecknError } from '@flexder/protocol/beckn/envelope.ts';

/** A message that passed every step of the inbound pipeline and is stored. */
export interface InboundMessage {
  readonly action: Action;
  readonly signerId: SubscriberId;
  readonly body: BecknBody;
  /** Lower-case hex SHA-256 of the raw bytes. */
  readonly sha256: string;
  readonly signature: { readonly keyId: KeyId; readonly value: string };
  /** Wall clock, epoch milliseconds. */
  readonly receivedAtMs: number;
  /** The bytes as text and their Authorization, for who passes a message on untouched. */
  readonly raw: { readonly text: string; readonly authorization: string };
  /** The gateway that passed it on, its signature verified; not kept over a restart. */
  readonly gatewayId?: SubscriberId;
}

/** A message to send: the context is completed (ids of this participant, timestamp, version, domain) by the participant. */
export interface OutgoingMessage {
  readonly action: Action;
  /** The BPP or BAP addressed; for a search through the gateway, the gateway. */
  readonly to: SubscriberId;
  readonly toType: SubscriberType;
  readonly transactionId: TransactionId;
  /** A callback echoes its request's; absent for a new id. */
  readonly messageId?: MessageId;
  readonly ttlMs: number;
  readonly message?: unknown;
  readonly error?: BecknError;
  /** What the record says of it. */
  readonly audit?: Partial<AuditEntry>;
}

/** A text file for the write-once archive. */
export interface ArchiveObject {
  /** Below the participant's own folder; names joined by `/`. Used once. */
  readonly key: string;
  readonly text: string;
}

/**
 * One database transaction and the effects that leave with it: they are rows of the outbox, delivered at least once
 * after the commit, or never when it rolls back.
 */
export interface UnitOfWork<Tables> {
  readonly db: Transaction<Tables>;
  /** Returns the message id. */
  send(message: OutgoingMessage): Promise<MessageId>;
  enqueue(job: Job): Promise<void>;
  emit(event: StreamEvent): Promise<void>;
  audit(
    entry: Omit<AuditEntry, 'ts_utc' | 'actor_id' | 'actor_role'> &
      Partial<Pick<AuditEntry, 'actor_id' | 'actor_role'>>,
  ): Promise<void>;
  /** Is in the write-once archive some time after the commit, however long the archive is away. */
  archive(object: ArchiveObject): Promise<void>;
  /** Runs in memory after the commit, never when it rolls back: wake-ups, never effects. */
  afterCommit(run: () => void): void;
  /** Passes a message on untouched, with its own Authorization and this participant's as gateway (BECKN-006). */
  forward(message: InboundMessage, to: SubscriberId, ttlMs: number): Promise<void>;
}

/**
 * Runs in one transaction with the mark that the message is handled. It must not wait for the network: the embedded
 * database has one session. What needs the network goes into `hooks.prepare` (its result is `prepared`) or a job.
 */
export type ActionHandler<Tables> = (
  work: UnitOfWork<Tables>,
  message: InboundMessage,
  prepared?: unknown,
) => Promise<void>;
export type ActionHandlers<Tables> = Partial<Record<Action, ActionHandler<Tables>>>;

/** Why a message could not be delivered; decided once, after which it is not tried again. */
export interface Undelivered {
  readonly message: BecknBody;
  readonly to: SubscriberId;
  readonly reason: 'expired' | 'nack' | 'refused' | 'unreachable' | 'unknown-subscriber';
  readonly status?: number;
  readonly error?: BecknError;
}

export interface ParticipantHooks<Tables> {
  /** Runs in the transaction that closes an outgoing message for good: release what waits for its answer. */
  onUndelivered(work: UnitOfWork<Tables>, undelivered: Undelivered): Promise<void>;
  /** Runs before a handler's transaction, outside of it; a throw is a failed attempt. */
  prepare?(message: InboundMessage): Promise<unknown>;
}

/** Who asks for a document: proven by its signature and subscribed at the registry. */
export interface DocumentRequest {
  readonly signerId: SubscriberId;
  readonly params: Readonly<Record<string, string>>;
}

export interface SignedDocument {
  readonly bytes: Uint8Array;
  readonly contentType: string;
}

/** Undefined: there is no such document for this asker; the answer does not tell which of the two. */
export type DocumentHandler = (request: DocumentRequest) => Promise<SignedDocument | undefined>;

export interface SubscriberRecord {
  readonly subscriberId: SubscriberId;
  readonly type: SubscriberType;
  readonly url: string;
  readonly domain: string;
  readonly city: string;
  readonly keyId: KeyId;
  /** Raw 32 bytes, base64. */
  readonly signingPublicKey: string;
  readonly encrPublicKey: string;
  readonly validFromMs: number;
  readonly validUntilMs: number;
  readonly status: 'INITIATED' | 'UNDER_SUBSCRIPTION' | 'SUBSCRIBED' | 'EXPIRED' | 'UNSUBSCRIBED' | 'INVALID_SSL';
}

/** Keys of a participant: raw seeds and public keys, base64. */
export interface ParticipantKeys {
  readonly keyId: KeyId;
  readonly signingSeed: string;
  readonly signingPublicKey: string;
  readonly encryptionPrivateKey: string;
  readonly encryptionPublicKey: string;
}

export interface ParticipantConfig {
  readonly subscriberId: SubscriberId;
  readonly type: SubscriberType;
  /** Registered base URL; actions live below it: `${url}/search`. */
  readonly url: string;
  readonly registryUrl: string;
  readonly domain: string;
  readonly country: string;
  readonly city: string;
  readonly keys: ParticipantKeys;
  /** Which outbound addresses are allowed: `strict` or `sandbox` (http loopback origins the registry holds). */
  readonly networkProfile: 'strict' | 'sandbox';
  /** Validity of the keys, epoch milliseconds; a year from now when absent. */
  readonly keysValidUntilMs?: number;
  /** The keys before a rotation: they prove to the registry that the new ones are ours. */
  readonly previousKeys?: ParticipantKeys;
}

export interface Participant<Tables> {
  readonly subscriberId: SubscriberId;
  /** Runs `body` in one transaction; effects are delivered after the commit. */
  transact<T>(body: (work: UnitOfWork<Tables>) => Promise<T>): Promise<T>;
  /** The record of a subscriber, from the cache or the registry; undefined when the registry has none. */
  lookup(subscriberId: SubscriberId): Promise<SubscriberRecord | undefined>;
  /** All subscribed BPPs of this participant's domain and city, and the gateway. */
  subscribers(type: SubscriberType): Promise<SubscriberRecord[]>;
  /** Registers at the registry and answers its challenge; throws when it is refused. */
  subscribe(): Promise<void>;
  /** A signed GET below a counterparty's registered URL, bounded in size and time. */
  fetchDocument(from: SubscriberId, path: string, limitBytes: number): Promise<Uint8Array>;
}
