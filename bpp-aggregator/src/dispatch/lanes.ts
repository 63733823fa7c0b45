import { setImmediate } from 'node:timers/promises';
import { LIMITS } from '../limits.ts';

/**
 * Does `each` for every item, up to `LIMITS.dispatchLanes` side by side. They begin in bursts, so that what waits for the
 * event loop has its turn between two. `each` does not reject.
 */
export async function inLanes<Item>(items: readonly Item[], each: (item: Item) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < items.length) await each(items[next++] as Item);
  };
  const lanes: Promise<void>[] = [];
  const most = Math.min(items.length, LIMITS.dispatchLanes);
  while (lanes.length < most) {
    const burst = Math.min(LIMITS.dispatchBurst, most - lanes.length);
    lanes.push(...Array.from({ length: burst }, lane));
    await setImmediate();
  }
  await Promise.all(lanes);
}
