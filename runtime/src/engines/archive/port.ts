/** Write-once objects: audit checkpoints and settlement files. What is there can be neither changed nor replaced. */
export interface Archive {
  readonly kind: 'file' | 's3';
  /** Throws ArchiveConflictError when `key` holds other bytes; the same bytes again are no error. */
  put(key: string, bytes: Uint8Array): Promise<{ readonly sha256: string }>;
  /** Undefined when there is no such object. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Keys below `prefix`, sorted. */
  list(prefix: string): Promise<string[]>;
  close(): Promise<void>;
}

export class ArchiveConflictError extends Error {
  override name = 'ArchiveConflictError';
}
