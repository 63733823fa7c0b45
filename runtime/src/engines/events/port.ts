/**
 * The event stream between processes: telemetry in, domain events and audit records out. Fed from the outbox (or
 * directly, where the next event replaces a lost one), read by the operator's stream and by whoever subscribes.
 */
export interface StreamEvent {
  readonly topic: string;
  /** Ordering key: a feeder or an order. Events of one key arrive in the order of their publishing. */
  readonly key: string;
  readonly value: unknown;
  /** The participant that published it; absent for what comes from outside the network. */
  readonly source?: string;
}

export interface SubscribeOptions {
  /**
   * The role that shares the work: each event goes to one process of the group, again after a restart unless its
   * handler had ended. Without a group each subscription gets every event published after it began.
   */
  readonly group?: string;
  /** Where a group begins that has never read this topic; default `earliest`. */
  readonly from?: 'earliest' | 'latest';
  /**
   * Told whenever the group was shared out anew. Until it is told again this process keeps what it has, though another
   * may have taken it over while the stream was away.
   */
  onShare?(share: Share): void;
}

/**
 * Whether the events of a key come to this process. Every key is the share of one process of the group, as our
 * publishers and the Java client place it; a publisher that places keys otherwise has it come elsewhere.
 */
export type Share = (key: string) => boolean;

/** May be called twice for one event: handlers are idempotent. `bytes` is the value as it came, where it came as bytes. */
export type EventHandler = (event: StreamEvent, bytes?: Uint8Array) => void | Promise<void>;

/** An event that no repetition will ever get onto the stream: too large, or against its schema. */
export class UnpublishableError extends Error {
  override name = 'UnpublishableError';
}

export interface EventStream {
  readonly kind: 'memory' | 'kafka';
  /**
   * Resolves when the stream has all of them. Rejects within a bound when it is away (some of them may have arrived),
   * and with UnpublishableError, before any is sent, for an event that it will never take.
   */
  publish(events: readonly StreamEvent[]): Promise<void>;
  /**
   * Resolves when events published from now on will be seen; rejects within a bound when the stream is away. The
   * returned function ends the subscription when the handler has ended. A handler that throws is logged, never fatal:
   * in a group it is called again, within a bound; else the event is passed over.
   */
  subscribe(topic: string, handler: EventHandler, options?: SubscribeOptions): Promise<() => Promise<void>>;
  /** Whether the last exchange with the stream went well. */
  health(): { readonly ok: boolean; readonly detail: string };
  close(): Promise<void>;
}
