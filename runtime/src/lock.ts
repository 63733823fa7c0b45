import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Another process, or this one, already has the directory open. */
export class DirectoryLockedError extends Error {
  override name = 'DirectoryLockedError';
  readonly pid: number;
  constructor(directory: string, pid: number) {
    super(`data directory ${directory} is in use by process ${pid}: stop it, or choose another directory`);
    this.pid = pid;
  }
}

interface Holder {
  readonly pid: number;
  /** Tells a process from a later one of the same number, where the system says it; empty where not. */
  readonly born: string;
}

const FILE = 'flexder.lock';
const held = new Set<string>();

/** Start of a process in ticks since boot, with the boot's id (Linux, proc(5)). */
function birthOf(pid: number): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return `${boot}/${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return '';
  }
}

function isAlive({ pid, born }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, under another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const now = birthOf(pid);
  return born === '' || now === '' || now === born;
}

function readHolder(path: string): Holder | undefined {
  try {
    const [pid = '', born = ''] = readFileSync(path, 'utf8').split('\n');
    return /^\d+$/.test(pid) ? { pid: Number(pid), born } : undefined;
  } catch {
    return undefined;
  }
}

/** The live process that has `directory` open, or undefined. */
export function lockHolder(directory: string): number | undefined {
  const holder = readHolder(join(directory, FILE));
  return holder && isAlive(holder) ? holder.pid : undefined;
}

function tryLink(mine: string, path: string): boolean {
  try {
    linkSync(mine, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Moves a dead process's lock aside; puts it back when a live one took the name meanwhile. */
function clearStale(path: string, mine: string): void {
  const aside = `${mine}.stale`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  const moved = readHolder(aside);
  if (moved && isAlive(moved)) tryLink(aside, path);
  rmSync(aside, { force: true });
}

/**
 * Takes `directory` (made when missing) for this process alone; the returned function gives it back. Two processes
 * on one data directory would lose rows silently.
 */
export function lockDirectory(directory: string): () => void {
  mkdirSync(directory, { recursive: true });
  if (held.has(directory)) throw new DirectoryLockedError(directory, process.pid);
  const path = join(directory, FILE);
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, `${process.pid}\n${birthOf(process.pid)}\n`);
  try {
    for (let attempt = 0; !tryLink(mine, path); attempt++) {
      const holder = readHolder(path);
      if ((holder && isAlive(holder)) || attempt === 3) throw new DirectoryLockedError(directory, holder?.pid ?? 0);
      clearStale(path, mine);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  held.add(directory);
  return () => {
    if (held.delete(directory)) rmSync(path, { force: true });
  };
}
