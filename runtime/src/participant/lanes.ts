/**
 * Work in lanes: one piece after the other within a lane, lanes side by side up to a bound. Memory is bounded by the
 * callers, who bound what they put in.
 */
export interface Lanes {
  /** Runs `work` when everything put into the lane before has ended; a throw reaches the caller and frees the lane. */
  run<T>(lane: string, work: () => Promise<T>): Promise<T>;
  /** Pieces waiting or at work. */
  readonly size: number;
  /** Resolves when no work is left. The caller bounds the wait. */
  idle(): Promise<void>;
}

export function createLanes(atOnce: number): Lanes {
  const lanes = new Map<string, (() => Promise<void>)[]>();
  const ready: string[] = [];
  let active = 0;
  let size = 0;
  let idleWaiters: (() => void)[] = [];

  function start(): void {
    while (active < atOnce) {
      const lane = ready.shift();
      if (lane === undefined) return;
      active++;
      void runHead(lane);
    }
  }

  async function runHead(lane: string): Promise<void> {
    const queue = lanes.get(lane);
    await queue?.[0]?.();
    queue?.shift();
    active--;
    size--;
    if (queue && queue.length > 0) ready.push(lane);
    else lanes.delete(lane);
    start();
    if (size === 0) {
      const waiters = idleWaiters;
      idleWaiters = [];
      for (const wake of waiters) wake();
    }
  }

  return {
    get size() {
      return size;
    },
    run(lane, work) {
      return new Promise((resolve, reject) => {
        const piece = () => Promise.resolve().then(work).then(resolve, reject);
        const queue = lanes.get(lane);
        size++;
        if (queue) queue.push(piece);
        else {
          lanes.set(lane, [piece]);
          ready.push(lane);
          start();
        }
      });
    },
    idle: () => (size === 0 ? Promise.resolve() : new Promise((resolve) => idleWaiters.push(resolve))),
  };
}
