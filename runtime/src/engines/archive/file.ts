import { createHash } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, unlink } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { Ids } from '../../context.ts';
import { assertArchiveKey, assertArchivePrefix } from './keys.ts';
import { type Archive, ArchiveConflictError, assertArchiveSize } from './port.ts';

const TEMPORARY = '.tmp';

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function filesBelow(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true, recursive: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Objects as read-only files below `root`: complete and on the disk when `put` returns, made by an exclusive link, so
 * that nothing is ever replaced. It keeps honest programs honest; against whoever owns the disk it needs `s3:`.
 */
export async function fileArchive(root: string, ids: Ids): Promise<Archive> {
  const base = resolve(root);
  const temporary = join(base, TEMPORARY);
  await mkdir(temporary, { recursive: true });
  // What a crash left behind was never an object.
  for (const left of await filesBelow(temporary)) await unlink(left);

  const write = async (bytes: Uint8Array): Promise<string> => {
    const path = join(temporary, ids.uuid());
    const file = await open(path, 'wx', 0o444);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    return path;
  };

  return {
    kind: 'file',
    async put(key, bytes) {
      assertArchiveKey(key);
      assertArchiveSize(key, bytes.byteLength);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const path = join(base, key);
      const written = await write(bytes);
      try {
        await mkdir(dirname(path), { recursive: true });
        await link(written, path);
        await syncDirectory(dirname(path));
      } catch (error) {
        const there = codeOf(error) === 'EEXIST' ? await readIfThere(path) : undefined;
        if (!there) throw error;
        if (!Buffer.from(bytes).equals(there))
          throw new ArchiveConflictError(`${key} is in the archive with other content`);
      } finally {
        await unlink(written);
      }
      return { sha256 };
    },
    async get(key) {
      assertArchiveKey(key);
      return readIfThere(join(base, key));
    },
    async list(prefix) {
      assertArchivePrefix(prefix);
      const folder = prefix.includes('/') ? join(base, prefix.slice(0, prefix.lastIndexOf('/'))) : base;
      const keys = (await filesBelow(folder)).map((path) => relative(base, path).split(sep).join('/'));
      return keys.filter((key) => key.startsWith(prefix) && !key.startsWith(`${TEMPORARY}/`)).sort();
    },
    async close() {},
  };
}
