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
}

export interface BusConnectOptions {
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
  /** Last Will, retained, QoS 1. */
  readonly will?: { readonly topic: string; readonly payload: string };
}

export interface BusClient {
  /** QoS 1: resolves on the broker's PUBACK, which says nothing about any subscriber. Rejects after a bound. */
  publish(topic: string, payload: string, options?: { retain?: boolean; expirySeconds?: number }): Promise<void>;
  /** Rejects when the broker refuses the filter. A handler that throws is logged, never fatal. */
  subscribe(filter: string, handler: (message: BusMessage) => void): Promise<void>;
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
