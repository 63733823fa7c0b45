/**
 * Work in flight, so that a scenario moves grid time only when the samples of the step before are consumed and
 * a service drains before it stops. It counts; it never decides.
 */
export class Activity {
  #inFlight = 0;
  readonly #labels = new Map<string, number>();
  #waiters: (() => void)[] = [];

  get inFlight(): number {
    return this.#inFlight;
  }

  /** What is in flight, for the message when a wait runs out. */
  describe(): string {
    return [...this.#labels].map(([label, count]) => `${label}×${count}`).join(', ') || 'nothing';
  }

  /** Begins a piece of work; the returned function ends it (once). */
  begin(label: string): () => void {
    this.#inFlight++;
    this.#labels.set(label, (this.#labels.get(label) ?? 0) + 1);
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      this.#inFlight--;
      const left = (this.#labels.get(label) ?? 1) - 1;
      if (left === 0) this.#labels.delete(label);
      else this.#labels.set(label, left);
      if (this.#inFlight === 0) {
        const waiters = this.#waiters;
        this.#waiters = [];
        for (const wake of waiters) wake();
      }
    };
  }

  async track<T>(label: string, work: () => Promise<T>): Promise<T> {
    const end = this.begin(label);
    try {
      return await work();
    } finally {
      end();
    }
  }

  /** Resolves when nothing is in flight (at once when so). The caller bounds the wait. */
  idle(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }
}
