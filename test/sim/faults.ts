/** What goes wrong in a seed. Each seed switches some kinds off (a swarm): faults that are always there hide each other. */
import type { Random } from '@flexder/runtime/random.ts';

export const FAULTS = [
  'request-lost',
  'answer-lost',
  'request-twice',
  'slow-network',
  'refused',
  'partition',
  'crash',
  'bus-lost',
  'bus-twice',
  'bus-slow',
  'bus-reorder',
  'bus-cut',
  'queue-away',
] as const;
export type Fault = (typeof FAULTS)[number];

export class Faults {
  readonly on: ReadonlySet<Fault>;
  /** Off before the safety phase and after it. */
  active = false;
  readonly random: Random;
  readonly #rates = new Map<Fault, number>();

  constructor(random: Random, share = 0.6) {
    this.random = random.fork('draws');
    const swarm = random.fork('swarm');
    const on = new Set<Fault>();
    for (const fault of FAULTS) {
      if (swarm.chance(share)) on.add(fault);
      // From a rare accident to a very bad day.
      this.#rates.set(fault, 0.005 * 30 ** swarm.next());
    }
    this.on = on;
  }

  /** Whether this one happens now. Chance is drawn in any case, so that one kind more or less leaves the others alone. */
  happens(fault: Fault): boolean {
    const drawn = this.random.next();
    return this.active && this.on.has(fault) && drawn < (this.#rates.get(fault) ?? 0);
  }

  describe(): string {
    return [...this.on].map((fault) => `${fault} ${((this.#rates.get(fault) ?? 0) * 100).toFixed(0)} %`).join(', ');
  }
}
