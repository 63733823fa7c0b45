import type { WallClock } from './clock.ts';
import type { Health } from './context.ts';

/** Closes in the reverse order of opening, all of them, and then throws what failed. */
export async function closeAll(opened: readonly { close(): Promise<void> }[]): Promise<void> {
  const failures: unknown[] = [];
  for (const part of [...opened].reverse()) {
    try {
      await part.close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures, 'several parts did not close');
}

/** `needed: false` is shown and makes no service unready: it works on without. */
type Check = () => Promise<{ readonly ok: boolean; readonly detail: string; readonly needed?: boolean }>;

/** The health of a service from checks of its dependencies, each bounded by `timeoutMs`. */
export async function checkHealth(wall: WallClock, checks: Record<string, Check>, timeoutMs: number): Promise<Health> {
  const entries = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      const begunMs = wall.monotonicMs();
      const failed = (error: unknown) => ({
        ok: false,
        detail: error instanceof Error ? error.message : String(error),
      });
      const result: Awaited<ReturnType<Check>> = await within(wall, timeoutMs, check()).catch(failed);
      const { ok, detail, needed = true } = result;
      return { name, needed, state: { ok, detail, ageMs: Math.round(wall.monotonicMs() - begunMs) } };
    }),
  );
  return {
    ready: entries.every(({ needed, state }) => state.ok || !needed),
    dependencies: Object.fromEntries(entries.map(({ name, state }) => [name, state])),
  };
}

/** `work`, or a rejection after `ms`. What `work` does is not undone. */
export async function within<T>(wall: WallClock, ms: number, work: Promise<T>): Promise<T> {
  const late = new AbortController();
  const bound = wall.sleep(ms, late.signal).then((): never => {
    throw new Error(`no answer within ${ms} ms`);
  });
  bound.catch(() => {});
  work.catch(() => {});
  try {
    return await Promise.race([work, bound]);
  } finally {
    late.abort(new Error('answered'));
  }
}

/** Starts what is needed one after the other; when one fails, closes those before it. */
export async function openInOrder<T>(
  build: (keep: <P extends { close(): Promise<void> }>(part: P) => P) => Promise<T>,
): Promise<{ result: T; close(): Promise<void> }> {
  const opened: { close(): Promise<void> }[] = [];
  try {
    const result = await build((part) => {
      opened.push(part);
      return part;
    });
    return { result, close: () => closeAll(opened) };
  } catch (error) {
    await closeAll(opened).catch(() => {});
    throw error;
  }
}
