/** Resolves on SIGINT or SIGTERM; the signal lets work in progress end early. A second one ends the process at once. */
export function untilInterrupted(): { readonly promise: Promise<void>; readonly signal: AbortSignal } {
  const controller = new AbortController();
  const promise = new Promise<void>((resolve) => {
    const stop = () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort(new Error('interrupted'));
      resolve();
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
  return { promise, signal: controller.signal };
}
