import { engineLimits } from '../limits.ts';

/** Write-once objects: audit checkpoints and settlement files. What is there can be neither changed nor replaced. */
export interface Archive {
  readonly kind: 'file' | 's3';
  /**
   * Stored when it resolves, complete or not at all. Throws ArchiveConflictError when `key` holds other bytes; the same
   * bytes again are no error. Of several writers of a key one wins. TypeError: no key; RangeError: too large.
   */
  put(key: string, bytes: Uint8Array): Promise<{ readonly sha256: string }>;
  /** What was put first. Undefined when there is no such object; ArchiveDamagedError when it is not what was put. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Keys below `prefix`, sorted. */
  list(prefix: string): Promise<string[]>;
  close(): Promise<void>;
}

export class ArchiveConflictError extends Error {
  override name = 'ArchiveConflictError';
}

export class ArchiveDamagedError extends Error {
  override name = 'ArchiveDamagedError';
}

/** Throws a RangeError for an object that is too large. */
export function assertArchiveSize(key: string, bytes: number): void {
  if (bytes > engineLimits.archiveObjectBytes)
    throw new RangeError(
      `${key} has ${bytes} bytes or more; an object of the archive has at most ${engineLimits.archiveObjectBytes}`,
    );
}
