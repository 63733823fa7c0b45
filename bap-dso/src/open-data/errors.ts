/** What can go wrong with open data. None of it stops the DSO: the last known data stay, with their age. */

export type OpenDataErrorKind =
  /** No connection: the network or the source is away. */
  | 'offline'
  | 'timeout'
  /** The source answers with a fault of its own, or breaks off. */
  | 'unavailable'
  | 'rate-limited'
  /** The data set needs a key, or another one. */
  | 'forbidden'
  | 'not-found'
  | 'bad-query'
  /** The address is not one that may be called, or it leads elsewhere. */
  | 'address'
  | 'too-large'
  /** Not JSON, or cut short. */
  | 'unreadable'
  /** JSON that is not what this data set holds. */
  | 'shape'
  /** Too many of our own callers wait. */
  | 'busy';

export class OpenDataError extends Error {
  override name = 'OpenDataError';
  readonly kind: OpenDataErrorKind;
  /** Wall time before which asking again is of no use; only of `rate-limited`. */
  readonly retryAtMs: number | undefined;
  constructor(kind: OpenDataErrorKind, message: string, retryAtMs?: number) {
    super(message);
    this.kind = kind;
    this.retryAtMs = retryAtMs;
  }
}

/** A later try of the same request may succeed. */
export function mayPass(kind: OpenDataErrorKind): boolean {
  return ['offline', 'timeout', 'unavailable', 'rate-limited', 'unreadable', 'busy'].includes(kind);
}
