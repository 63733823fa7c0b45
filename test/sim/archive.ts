import { createHash } from 'node:crypto';
import { assertArchiveKey, assertArchivePrefix } from '@flexder/runtime/engines/archive/keys.ts';
import { type Archive, ArchiveConflictError, assertArchiveSize } from '@flexder/runtime/engines/archive/port.ts';

/** Write-once objects in memory. */
export function memoryArchive(): Archive {
  const objects = new Map<string, Buffer>();
  return {
    kind: 'file',
    async put(key, bytes) {
      assertArchiveKey(key);
      assertArchiveSize(key, bytes.length);
      const known = objects.get(key);
      if (known && !known.equals(bytes)) throw new ArchiveConflictError(`${key} holds other bytes`);
      objects.set(key, Buffer.from(bytes));
      return { sha256: createHash('sha256').update(bytes).digest('hex') };
    },
    async get(key) {
      assertArchiveKey(key);
      const known = objects.get(key);
      return known && Buffer.from(known);
    },
    async list(prefix) {
      assertArchivePrefix(prefix);
      return [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    },
    close: async () => {},
  };
}
