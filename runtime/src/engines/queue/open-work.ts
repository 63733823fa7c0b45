import { LRUCache } from 'lru-cache';
import type { Activity } from '../../activity.ts';
import type { WallClock } from '../../clock.ts';
import { engineLimits } from '../limits.ts';

/**
 * Which jobs of this process are not done: each is activity from its adding (or its start, when it was added
 * before a restart or is delayed) until it is completed or dead. With `shared` the end of a job may be another
 * process's, of which nothing is heard here: then it counts no longer than a bound.
 */
export function openWork(activity: Activity, shared?: Pick<WallClock, 'after'>) {
  const open = new Map<string, () => void>();
  const settled = new LRUCache<string, true>({ max: engineLimits.queueDeadKept + engineLimits.queueCompletedKept });
  return {
    begin(id: string, name: string) {
      if (open.has(id)) return;
      const end = activity.begin(`job ${name}`);
      const cancel = shared?.after(engineLimits.queueHoldMs, () => {
        open.delete(id);
        end();
      });
      open.set(id, () => {
        cancel?.();
        end();
      });
    },
    /** A job that is already known as done will not run again, so its adding begins nothing. */
    isSettled: (id: string) => settled.has(id),
    isOpen: (id: string) => open.has(id),
    forget: (id: string) => void settled.delete(id),
    settle(id: string) {
      settled.set(id, true);
      open.get(id)?.();
      open.delete(id);
    },
    settleAll() {
      for (const id of [...open.keys()]) this.settle(id);
    },
  };
}
