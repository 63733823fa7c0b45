/** One piece of work at a time for each event, and none that is lost because the database was away. */
import { STEP_ATTEMPTS, STEP_PAUSE_MS } from '../../limits.ts';
import type { Desk } from '../desk.ts';
import type { OpenEvent } from './event.ts';

export class Turns {
  readonly #desk: () => Desk;
  /** One more pass over an event: what follows a step that failed. */
  readonly #advance: (event: OpenEvent) => Promise<void>;
  #closed = false;

  constructor(desk: () => Desk, advance: (event: OpenEvent) => Promise<void>) {
    this.#desk = desk;
    this.#advance = advance;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Runs after all that was given for this event before; rejects with what `run` threw. */
  take(event: OpenEvent, run: () => Promise<void>): Promise<void> {
    const mine = event.turn.then(() => this.#desk().context.activity.track('event', run));
    event.turn = mine.catch(() => {});
    return mine;
  }

  /** A piece of work that fails on the database is followed by another pass, so that no event stays where it is. */
  step(event: OpenEvent, run: () => Promise<void>): Promise<void> {
    if (this.#closed) return Promise.resolve();
    const end = this.#desk().context.activity.begin('event');
    return this.take(event, run)
      .catch((error) => this.again(event, error))
      .finally(end);
  }

  /** A step when grid time reaches `atMs`, unless the event is over by then. */
  at(event: OpenEvent, atMs: number, label: string, run: () => Promise<void>): void {
    const { grid } = this.#desk().context;
    const cancel = grid.at(atMs, `${event.feederId}/${event.eventId}/${label}`, () => this.step(event, run));
    event.cancelTimers.push(cancel);
  }

  /** Another pass a little later, a bounded number of times. */
  again(event: OpenEvent, error: unknown, attempt = 1): void {
    const { context } = this.#desk();
    context.log.error({ eventId: event.eventId, attempt, error: String(error) }, 'a step of an event failed');
    context.metrics.count('bap_event_steps_failed_total');
    if (attempt >= STEP_ATTEMPTS || this.#closed) return;
    const end = context.activity.begin('event');
    const cancel = context.wall.after(STEP_PAUSE_MS, () => {
      this.take(event, () => this.#advance(event))
        .catch((again) => this.again(event, again, attempt + 1))
        .finally(end);
    });
    event.cancelTimers.push(() => {
      cancel();
      end();
    });
  }

  /** No more work is begun; resolves when what runs for these events has ended. */
  async close(events: readonly OpenEvent[]): Promise<void> {
    this.#closed = true;
    for (const event of events) for (const cancel of event.cancelTimers) cancel();
    await Promise.all(events.map((event) => event.turn));
  }
}
