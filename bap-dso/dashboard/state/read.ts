/** Reading an address for a screen, with every state it can be in. */

import { ask, type ProblemError } from '@flexder/runtime/page/browser.ts';
import type { Read } from '@flexder/runtime/page/parts.tsx';
import { useEffect, useState } from 'preact/hooks';
import { checkSession } from './session.ts';

/** @param version read again when it changes */
export function useRead<T>(path: string, version: unknown = 0): Read<T> {
  const [read, set] = useState<Read<T> & { path: string }>({ loading: true, path });
  useEffect(() => {
    let wanted = true;
    const give = (next: Read<T>) => wanted && set({ ...next, path });
    set((before) => (before.path === path ? { ...before, loading: true } : { loading: true, path }));
    ask<T>(path).then(
      (data) => give({ data, loading: false }),
      (problem: ProblemError) => {
        give({ problem, loading: false });
        if (problem.status === 401) void checkSession();
      },
    );
    return () => {
      wanted = false;
    };
  }, [path, version]);
  return read.path === path ? read : { loading: true };
}
