import type { Context } from './context.ts';

export interface Repeated {
  /** As activity and timer are called. */
  readonly label: string;
  /** Grid milliseconds from the end of one run to the next. */
  readonly everyMs: number;
  run(): Promise<void>;
  /** Told of a run that failed; the next comes all the same. */
  failed(error: unknown): void;
}

/** Runs it now and then, in grid time, until it is closed; closing waits for a run that is under way. */
export function repeatedly(
  { grid, activity }: Pick<Context, 'grid' | 'activity'>,
  { label, everyMs, run, failed }: Repeated,
): { close(): Promise<void> } {
  let cancel = () => {};
  let closed = false;
  let running: Promise<void> = Promise.resolve();
  const arm = () => {
    cancel = grid.at(grid.nowMs() + everyMs, label, () => {
      running = activity.track(label, async () => {
        await run().catch(failed);
        if (!closed) arm();
      });
      return running;
    });
  };
  arm();
  return {
    close() {
      closed = true;
      cancel();
      return running;
    },
  };
}
