/** Closes what was opened, last first, whatever fails on the way; once. */
export class Closing {
  readonly #steps: (() => Promise<unknown>)[] = [];
  #closed: Promise<void> | undefined;

  add<T extends { close(): Promise<unknown> }>(opened: T): T {
    this.#steps.push(() => opened.close());
    return opened;
  }

  close(): Promise<void> {
    this.#closed ??= this.#run();
    return this.#closed;
  }

  async #run(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.reverse()) await step().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw new AggregateError(failures, 'the network did not close cleanly');
  }
}
