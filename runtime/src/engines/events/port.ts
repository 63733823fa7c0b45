/** The stream of domain events: fed from the outbox, read by the operator's stream and by whoever subscribes. */
export interface StreamEvent {
  readonly topic: string;
  /** Ordering key: a feeder or an order. */
  readonly key: string;
  readonly value: unknown;
}

export interface EventStream {
  readonly kind: 'memory' | 'kafka';
  publish(events: readonly StreamEvent[]): Promise<void>;
  /** The returned function ends the subscription. A handler that throws is logged, never fatal. */
  subscribe(topic: string, handler: (event: StreamEvent) => void): Promise<() => void>;
  close(): Promise<void>;
}
