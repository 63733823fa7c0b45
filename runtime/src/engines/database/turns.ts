/** Who may use the one session now: first come, first served, in a bounded line. */
export class Turns {
  #held = false;
  readonly #limit: number;
  readonly #line: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  get waiting(): number {
    return this.#line.length;
  }

  /** Resolves with the function that ends the turn. `expire` arms a bound on the wait and returns its disarming. */
  take(expire: (giveUp: (reason: Error) => void) => () => void): Promise<() => void> {
    if (!this.#held) {
      this.#held = true;
      return Promise.resolve(this.#release());
    }
    if (this.#line.length >= this.#limit) {
      return Promise.reject(new Error(`the database is overloaded: ${this.#limit} statements wait for their turn`));
    }
    return new Promise((resolve, reject) => {
      const enter = () => {
        disarm();
        resolve(this.#release());
      };
      const disarm = expire((reason) => {
        const place = this.#line.indexOf(enter);
        if (place < 0) return;
        this.#line.splice(place, 1);
        reject(reason);
      });
      this.#line.push(enter);
    });
  }

  #release(): () => void {
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      const next = this.#line.shift();
      // Through the event loop, not a microtask: a long line of statements must not keep sockets waiting.
      if (next) setImmediate(next);
      else this.#held = false;
    };
  }
}
