/** Outbound HTTP: bounded in time and size, no redirects, and only where the network profile lets it go. */
export interface Outbound {
  request(url: string, options: OutboundRequest): Promise<OutboundResponse>;
  close(): Promise<void>;
}

export interface OutboundRequest {
  readonly method: 'GET' | 'POST';
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array | string;
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
  /** The origins this call may go to under the `sandbox` profile: those its registry holds. */
  readonly allow: OutboundPolicy;
}

export interface OutboundPolicy {
  readonly profile: 'strict' | 'sandbox';
  /** Exact http loopback origins allowed under `sandbox`; ignored under `strict`. */
  readonly sandboxOrigins: ReadonlySet<string>;
  /** Hosts that an operator vouches for: reached under `strict` also in a private network, by https alone. */
  readonly vouchedHosts?: ReadonlySet<string>;
}

export interface OutboundResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

/** The address is not one this network may call; nothing was connected. */
export class ForbiddenAddressError extends Error {
  override name = 'ForbiddenAddressError';
}

/** The call failed: no connection, time or size bound passed, redirect, broken response. */
export class OutboundError extends Error {
  override name = 'OutboundError';
  readonly kind: 'connect' | 'timeout' | 'too-large' | 'redirect' | 'protocol';
  constructor(kind: OutboundError['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}
