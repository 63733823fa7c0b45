/** A service as an operating system runs it: started, killed in the middle of its work, started again on its data. */
import type { Context } from '@flexder/runtime/context.ts';
import type { Random } from '@flexder/runtime/random.ts';
import type { VirtualClock } from './clock.ts';
import { Life } from './life.ts';
import { SIM } from './limits.ts';
import type { Trace } from './trace.ts';

export interface SimProcess<S> {
  readonly name: string;
  /** What runs now; undefined while it is down or starting. */
  readonly service: S | undefined;
  /** Resolves when it has started for the first time. */
  start(): Promise<S>;
  /** Kills it after so many steps, or soon if it does so few; it is started again `downMs` later. */
  crash(edges: number, downMs: number): void;
}

interface Deps {
  readonly clock: VirtualClock;
  readonly trace: Trace;
  contextOf(name: string, life: Life): Context;
}

export function simProcess<S>(name: string, deps: Deps, open: (context: Context) => Promise<S>): SimProcess<S> {
  const { clock, trace } = deps;
  let life = new Life();
  let service: S | undefined;
  let pauseMs: number = SIM.restartMs;

  async function run(): Promise<S | undefined> {
    life = new Life();
    pauseMs = SIM.restartMs;
    const mine = life;
    void mine.death.then(() => {
      service = undefined;
      trace.note(`${name} dies`);
      clock.after(pauseMs, () => void run().catch(() => {}));
    });
    try {
      const opened = await open(deps.contextOf(name, mine));
      if (mine.dead) return undefined;
      service = opened;
      trace.note(`${name} is up`);
      return opened;
    } catch (error) {
      trace.note(`${name} cannot start`);
      mine.kill();
      throw error;
    }
  }

  return {
    name,
    get service() {
      return service;
    },
    async start() {
      return (await run()) as S;
    },
    crash(edges, downMs) {
      const mine = life;
      pauseMs = downMs;
      mine.doom(edges);
      clock.after(SIM.doomMs, () => mine.kill());
    },
  };
}

/** A victim, how far it gets, and how long it is away. */
export function drawCrash(random: Random, processes: readonly SimProcess<unknown>[]) {
  const process = processes[Math.floor(random.next() * processes.length)] as SimProcess<unknown>;
  return { process, edges: random.integer(0, 60), downMs: random.integer(500, 45_000) };
}
