/** A folder from which Mosquitto serves the accounts of the device bus. */
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  MOSQUITTO_FILES,
  type MosquittoOptions,
  mosquittoAcl,
  mosquittoConfig,
  mosquittoPasswords,
} from '@flexder/runtime/engines/bus/mosquitto.ts';
import type { BusAccount } from '@flexder/runtime/engines/bus/port.ts';

export interface FolderFile {
  readonly path: string;
  readonly text: string;
}

/** The accounts alone: what changes when devices are enrolled. Throws a MosquittoAccountError that names who cannot. */
export function accountFiles(
  dir: string,
  accounts: readonly BusAccount[],
  secret: (bytes: number) => Uint8Array,
): FolderFile[] {
  return [
    { path: join(dir, MOSQUITTO_FILES.passwords), text: mosquittoPasswords(accounts, secret) },
    { path: join(dir, MOSQUITTO_FILES.acl), text: mosquittoAcl(accounts) },
  ];
}

export function configFile(options: MosquittoOptions): FolderFile {
  return { path: join(options.dir, MOSQUITTO_FILES.config), text: mosquittoConfig(options) };
}

/** For their owner alone; each is whole or as it was, also for a broker that reads it right now. */
export function writeFolder(dir: string, files: readonly FolderFile[]): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  for (const { path, text } of files) {
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
}

/** Written by root, they become those of whom the folder belongs to: Mosquitto does not stay root. */
export function keepOwner(dir: string, files: readonly FolderFile[]): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(dir);
  for (const { path } of files) chownSync(path, uid, gid);
}

/** The process that serves from `dir`, as its own file says; undefined when it has written none. */
export function servingPid(dir: string): number | undefined {
  const path = join(dir, MOSQUITTO_FILES.pid);
  const pid = existsSync(path) ? Number(readFileSync(path, 'utf8').trim()) : Number.NaN;
  return Number.isInteger(pid) && pid > 1 ? pid : undefined;
}

/** Makes Mosquitto read its accounts again; false when it does not run from `dir`. Open connections stay. */
export function reload(dir: string, signal: (pid: number, name: 'SIGHUP') => void): boolean {
  const pid = servingPid(dir);
  if (pid === undefined) return false;
  try {
    signal(pid, 'SIGHUP');
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
