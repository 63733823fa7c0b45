/**
 * One life of a service: from its start until it is killed. Whatever it does to the world is a step; it dies before or
 * after a step, and from then on nothing it has begun goes on: no timer fires, no call comes back.
 */
import { type GridClock, type WallClock, wallGridClock } from '@flexder/runtime/clock.ts';
import type { Random } from '@flexder/runtime/random.ts';
import { SIM } from './limits.ts';

/** What the dead wait for. */
export const never = <T>(): Promise<T> => new Promise(() => {});

export class Life {
  readonly death: Promise<void>;
  #dead = false;
  #edgesLeft = Number.POSITIVE_INFINITY;
  #tell = () => {};
  readonly #ends = new Set<() => void>();

  constructor() {
    this.death = new Promise((resolve) => {
      this.#tell = resolve;
    });
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** Dies after so many more beginnings and ends of steps. */
  doom(edges: number): void {
    this.#edgesLeft = Math.min(this.#edgesLeft, edges);
  }

  kill(): void {
    if (this.#dead) return;
    this.#dead = true;
    for (const end of this.#ends) end();
    this.#ends.clear();
    this.#tell();
  }

  /** Called once at its death; the returned function takes it back. */
  atDeath(end: () => void): () => void {
    this.#ends.add(end);
    return () => this.#ends.delete(end);
  }

  /** What the world says to `work`, if this life is there to hear it. */
  async step<T>(work: () => Promise<T>): Promise<T> {
    if (this.#edge()) return never();
    try {
      return await work();
    } finally {
      // What died in the meantime never hears how it went, whether well or badly.
      if (this.#edge()) await never();
    }
  }

  #edge(): boolean {
    if (!this.#dead && this.#edgesLeft-- <= 0) this.kill();
    return this.#dead;
  }
}

export interface Clocks {
  readonly wall: WallClock;
  readonly grid: GridClock;
}

/** Time as this life has it: its own timers are gone with it. */
export function clocksOf(
  life: Life,
  world: WallClock,
  onError: (error: unknown, label: string) => void,
  random: Random,
): Clocks {
  // Looks at tables that only find what a crash left: most of a seed would go into them if they were on time.
  const late = (ms: number) => (ms === SIM.sweepMs ? ms + random.integer(0, SIM.sweepLateMs) : ms);
  const wall: WallClock = {
    nowMs: () => world.nowMs(),
    monotonicMs: () => world.monotonicMs(),
    after: (ms, run) => world.after(late(ms), () => life.dead || run()),
    async sleep(ms, signal) {
      if (life.dead) return never();
      await world.sleep(ms, signal);
      if (life.dead) await never();
    },
  };
  return { wall, grid: wallGridClock(wall, onError) };
}
