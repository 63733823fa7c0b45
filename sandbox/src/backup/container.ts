/** One file for everything: a tar.gz whose first entry lists every other with its size and SHA-256. */
import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { create, extract } from 'tar';
import { BackupError } from './error.ts';
import { BACKUP_ENTRIES, MANIFEST_BYTES } from './limits.ts';

export interface Entry {
  /** Below the folder, with slashes. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Manifest {
  readonly v: 1;
  readonly kind: 'pglite' | 'postgres';
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  /** Of the server, or of the embedded database. */
  readonly postgres: string;
  /** The subscribers' schemas, which have roles of the same names; empty for `pglite`, where all of it is in the dump. */
  readonly schemas: readonly string[];
  readonly entries: readonly Entry[];
}

const MANIFEST = 'manifest.json';

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Files below `folder`, sorted, with slashes. */
export function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

async function entriesOf(folder: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const path of filesIn(folder)) {
    const full = join(folder, path);
    entries.push({ path, bytes: statSync(full).size, sha256: await sha256Of(full) });
  }
  return entries;
}

/** A folder beside `path`, on the same disk, that is removed when `use` ends. */
export async function staged<T>(path: string, use: (folder: string) => Promise<T>): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  const folder = await mkdtemp(`${path}.staging-`);
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Packs the files below `folder`; `file` appears complete or not at all, and never replaces another. */
export async function pack(folder: string, file: string, about: Omit<Manifest, 'v' | 'entries'>): Promise<Manifest> {
  const manifest: Manifest = { v: 1, ...about, entries: await entriesOf(folder) };
  await writeFile(join(folder, MANIFEST), JSON.stringify(manifest));
  const part = `${file}.part`;
  rmSync(part, { force: true });
  try {
    const paths = [MANIFEST, ...manifest.entries.map(({ path }) => path)];
    await create({ cwd: folder, file: part, gzip: true, portable: true, strict: true }, paths);
    const handle = await open(part, 'r+');
    await handle.sync();
    await handle.close();
    linkSync(part, file);
  } catch (error) {
    if ((error as { code?: string }).code === 'EEXIST') throw new BackupError(`${file} is there already`);
    throw error;
  } finally {
    rmSync(part, { force: true });
  }
  return manifest;
}

/** Unpacks `file` into the empty `folder`. Throws unless exactly what the manifest lists is there, unchanged. */
export async function unpack(file: string, folder: string): Promise<Manifest> {
  const damaged = (why: string) => new BackupError(`${file} is damaged, or no backup of FlexDER: ${why}`);
  let entries = 0;
  const onlyFiles = (path: string, entry: object) => {
    const type = (entry as { type?: string }).type;
    if (type !== 'File' && type !== 'OldFile') throw damaged(`${path} is no file`);
    if (++entries > BACKUP_ENTRIES) throw damaged(`it has more than ${BACKUP_ENTRIES} entries`);
    return true;
  };
  try {
    // In one go: when it fails nothing is being written any more.
    extract({ file, cwd: folder, strict: true, sync: true, filter: onlyFiles });
  } catch (error) {
    throw error instanceof BackupError ? error : damaged((error as Error).message);
  }
  const manifest = readManifest(join(folder, MANIFEST), damaged);
  rmSync(join(folder, MANIFEST));
  const found = new Map((await entriesOf(folder)).map((entry) => [entry.path, entry.sha256]));
  for (const { path, sha256 } of manifest.entries) {
    if (found.get(path) !== sha256) throw damaged(`${path} ${found.has(path) ? 'has another checksum' : 'is missing'}`);
    found.delete(path);
  }
  const [unlisted] = found.keys();
  if (unlisted !== undefined) throw damaged(`${unlisted} is not in its list`);
  return manifest;
}

function readManifest(path: string, damaged: (why: string) => Error): Manifest {
  if (!existsSync(path) || statSync(path).size > MANIFEST_BYTES) throw damaged('it has no list of its entries');
  try {
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
    if (manifest.v !== 1 || !Array.isArray(manifest.entries) || !Array.isArray(manifest.schemas))
      throw new Error(`its format is ${manifest.v}, this program reads 1`);
    return manifest;
  } catch (error) {
    throw damaged((error as Error).message);
  }
}
