/** The state of the page: one answer, asked for anew every two seconds, and how fresh it is. */
import { ask, every, nowMs, ProblemError } from '@flexder/runtime/page/browser.ts';
import type { Read } from '@flexder/runtime/page/parts.tsx';
import { computed, signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { Overview } from '../src/view/routes.ts';
import { token } from './session.ts';

const ASK_MS = 2_000;
const SILENCE_MS = 6_000;

export const overview = signal<Overview | undefined>(undefined);
/** Why nothing was read the last time. */
export const problem = signal<ProblemError | undefined>(undefined);
export const localMs = signal(nowMs());
const heardMs = signal<number | undefined>(undefined);

/** Since when nothing was heard, milliseconds; null before the first answer. */
export const silenceMs = computed(() =>
  heardMs.value === undefined ? null : Math.max(0, localMs.value - heardMs.value),
);
export const isOld = computed(() => silenceMs.value !== null && silenceMs.value > SILENCE_MS);
export const gridMs = computed(() => overview.value?.clocks.gridMs ?? 0);

let asking = false;

export async function read(): Promise<void> {
  // One question at a time: a slow answer is not asked for again.
  if (asking) return;
  asking = true;
  try {
    overview.value = await ask<Overview>('/api/v1/view/overview', { bearer: token.value });
    problem.value = undefined;
    heardMs.value = nowMs();
    localMs.value = heardMs.value;
  } catch (error) {
    problem.value = error instanceof ProblemError ? error : new ProblemError(-1, 'PAGE', String(error));
    // What was shown belongs to who may look.
    if (problem.value.status === 401 || problem.value.status === 403) {
      overview.value = undefined;
      heardMs.value = undefined;
    }
  }
  asking = false;
}

export function begin(): void {
  every(1_000, () => {
    localMs.value = nowMs();
  });
  every(ASK_MS, () => void read());
  void read();
}

/**
 * An address of one thing, read again while it is shown.
 * @param version read at once when it changes
 */
export function useDetail<T>(path: string, version = 0): Read<T> {
  const [state, set] = useState<Read<T>>({ loading: true });
  useEffect(() => {
    let wanted = true;
    const look = () =>
      ask<T>(path, { bearer: token.value }).then(
        (data) => wanted && set({ data, loading: false }),
        (problem: ProblemError) => wanted && set({ problem, loading: false }),
      );
    set((before) => (before.data === undefined ? { loading: true } : before));
    void look();
    const cancel = every(2 * ASK_MS, () => void look());
    return () => {
      wanted = false;
      cancel();
    };
  }, [path, version]);
  return state;
}
