/** The device bus: MQTT. One account per device, per aggregator and per DSO, each with its own topics. */
export interface BusAccount {
  readonly username: string;
  readonly password: string;
  /** Topic filters this account may publish to and subscribe to; `+` and `#` as MQTT has them. */
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

export interface BusMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retained: boolean;
  /** Where the sender wants the answer, and what it calls the exchange; MQTT 5 only. */
  readonly responseTopic?: string;
  readonly correlation?: string;
}

export interface BusConnectOptions {
  readonly clientId: string;
  /** Told apart from other connections of the same account: a broker ends the older one of two with the same client id. */
  readonly instance?: string;
  readonly username: string;
  readonly password: string;
  /** Last Will, retained, QoS 1. */
  readonly will?: { readonly topic: string; readonly payload: string };
}

export interface BusPublishOptions {
  readonly retain?: boolean;
  /**
   * Milliseconds from now after which it is worth nothing: then it is rejected if the broker has not acknowledged it, not
   * sent again, and dropped by a broker of MQTT 5, which counts whole seconds. Whoever receives it looks for itself.
   */
  readonly expiryMs?: number;
  /** A topic, and text of at most 256 bytes; MQTT 5 only. */
  readonly responseTopic?: string;
  readonly correlation?: string;
}

export interface BusSubscribeOptions {
  /**
   * Each message goes to one member of this group only; a word of letters, digits, `.`, `_`, `-`. Connections of one
   * account with one password are a group; nobody else gets into it. Where the broker shares nothing (`shares` is false) the filter is subscribed as any other. Retained messages do not come to a group.
   */
  readonly shared?: string;
}

export interface BusClient {
  /** QoS 1: resolves on the broker's PUBACK, which says nothing about any subscriber. Rejects after a bound. */
  publish(topic: string, payload: string, options?: BusPublishOptions): Promise<void>;
  /** Rejects when the broker refuses the filter. A handler that throws is logged, never fatal. */
  subscribe(filter: string, handler: (message: BusMessage) => void, options?: BusSubscribeOptions): Promise<void>;
  /** What was agreed with the broker: 4 is MQTT 3.1.1. */
  readonly protocolVersion: 4 | 5;
  /** Whether the broker shares a subscription among a group. */
  readonly shares: boolean;
  readonly connected: boolean;
  /** Messages sent and received since the start: a scenario waits on them. */
  readonly counts: { readonly sent: number; readonly received: number };
  close(): Promise<void>;
}

export interface DeviceBus {
  readonly kind: 'mqtt';
  readonly url: string;
  connect(options: BusConnectOptions): Promise<BusClient>;
}
