/** One arena for all the files whose attacks leave nothing behind: starting a network is most of what they cost. */
import { type Arena, openArena } from './arena.ts';

let opened: Promise<Arena> | undefined;
/** Suites that have still to run. */
let users = 0;

async function close(): Promise<void> {
  const arena = await opened;
  opened = undefined;
  await arena?.close();
}

// A suite that is filtered out never says that it is done.
after(close);

/** To be called in a `describe`: the arena is there when its tests run, and closed after the last suite that uses it. */
export function useArena(): () => Arena {
  let arena: Arena;
  users++;
  before(async function () {
    this.timeout(60_000);
    opened ??= openArena();
    arena = await opened;
  });
  after(async () => {
    if (--users === 0) await close();
  });
  return () => arena;
}
