/** One arena for all the files whose attacks leave nothing behind: starting a network is most of what they cost. */
import { rmSync } from 'node:fs';
import { type Arena, openArena } from './arena.ts';

let opened: Promise<Arena> | undefined;
/** Suites that have still to run. */
let users = 0;
/** A worker of mocha runs several files, and ends as a process: its arena lives as long. */
const OF_A_WORKER = process.env.MOCHA_WORKER_ID !== undefined;

async function close(): Promise<void> {
  if (OF_A_WORKER) return;
  const arena = await opened;
  opened = undefined;
  await arena?.close();
}

async function open(): Promise<Arena> {
  const arena = await openArena();
  if (OF_A_WORKER) process.once('exit', () => rmSync(arena.net.dataDir, { recursive: true, force: true }));
  return arena;
}

// A suite that is filtered out never says that it is done.
after(close);

/** To be called in a `describe`: the arena is there when its tests run, and closed after the last suite that uses it. */
export function useArena(): () => Arena {
  let arena: Arena;
  users++;
  before(async function () {
    this.timeout(60_000);
    opened ??= open();
    arena = await opened;
  });
  after(async () => {
    if (--users === 0) await close();
  });
  return () => arena;
}
