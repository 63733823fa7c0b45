import type { JobQueue } from '@flexder/runtime/engines/queue/port.ts';
import type { Rooms } from '../context.ts';
import { mayLeave } from '../enrolment/consent.ts';
import { LIMITS } from '../limits.ts';
import { type Claimable, claimCommands, unclaim } from './claims.ts';
import type { FanOut, Outgoing } from './commands.ts';
import type { DeviceLink } from './device-link.ts';
import { inLanes } from './lanes.ts';
import { markSent, type Sent } from './sent.ts';

/** Job that sends commands of one order: a batch of them where processes share it, else all that are unsent. */
export const DISPATCH_JOB = 'dispatch';

export interface DispatchJob {
  readonly orderNo: number;
  /** Commands to claim at most. */
  readonly batch?: number;
}

/** Commands of each job of a shared fan-out of `count`. */
export function batchOf(count: number): number {
  const even = Math.ceil(count / LIMITS.dispatchJobs);
  return Math.min(LIMITS.dispatchBatchMost, Math.max(LIMITS.dispatchBatch, even));
}

export interface DispatcherDeps {
  readonly rooms: () => Rooms;
  readonly link: DeviceLink;
  readonly queue: Pick<JobQueue, 'add'>;
}

/**
 * Hands commands to the devices' links. The rows written by the confirming transaction are the outbox. A process that is alone
 * sends them at once from memory, and so does any with a batch; where others are alive, more than a batch is shared as
 * jobs, each of which claims the next batch from the rows. What fails goes on as a job with backoff, what a crash left
 * is taken up from the rows. A device executes a `command_id` once, so sending one twice does no harm.
 */
export class Dispatcher {
  readonly #deps: DispatcherDeps;
  /** The fan-out under way of each order: a release must not overtake the activation it ends. */
  readonly #tails = new Map<number, Promise<void>>();
  readonly #batches = new Set<Promise<unknown>>();
  #jobs = 0;

  constructor(deps: DispatcherDeps) {
    this.#deps = deps;
  }

  /** Sends what was just written; resolves when it is sent or given to the job queue. */
  fanOut(orderNo: number, { commands, shared }: FanOut): Promise<void> {
    const { context, process } = this.#deps.rooms();
    return context.activity.track('dispatch', () =>
      this.#inTurn(orderNo, () =>
        shared ? this.#share(orderNo, commands.length) : this.#sendNow(orderNo, commands),
      ).catch((error: unknown) => {
        context.metrics.count('dispatch_failed');
        const later = process.shared ? 'is taken up from the tables' : 'waits for the restart';
        context.log.error({ orderNo, error: String(error) }, `a fan-out failed; what is unsent ${later}`);
      }),
    );
  }

  /** One job; throws while the broker does not take it, so that the job is repeated. */
  async work({ orderNo, batch = LIMITS.dispatchBatch }: DispatchJob): Promise<void> {
    const { process } = this.#deps.rooms();
    if (!process.shared) return this.#inTurn(orderNo, () => this.#claimAndSend(orderNo, LIMITS.maxDersPerOrder, 'all'));
    await this.#claimAndSend(orderNo, batch, 'free');
  }

  /** Sends what nobody sends although it is alive: `all` for a process that is alone, else what has lapsed. */
  async takeOver(orderNo: number, what: Claimable): Promise<void> {
    await this.#inTurn(orderNo, async () => {
      const limit = what === 'all' ? LIMITS.maxDersPerOrder : LIMITS.dispatchBatch;
      while ((await this.#claimAndSend(orderNo, limit, what)) === limit) {
        // The next batch.
      }
    });
  }

  isBusyWith(orderNo: number): boolean {
    return this.#tails.has(orderNo);
  }

  /** Resolves when no fan-out is under way; each is bounded by the bus. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.#tails.values(), ...this.#batches]);
  }

  async #sendNow(orderNo: number, commands: readonly Outgoing[]): Promise<void> {
    const unsent = await this.#send(orderNo, commands);
    if (unsent.length === 0) return;
    await this.#giveBack(unsent);
    await this.#deps.queue.add([this.#job({ orderNo, batch: unsent.length })]);
  }

  /** A job for each batch. With the queue away this process sends all of it. */
  async #share(orderNo: number, count: number): Promise<void> {
    const batch = batchOf(count);
    const jobs = Array.from({ length: Math.ceil(count / batch) }, () => this.#job({ orderNo, batch }));
    try {
      await this.#deps.queue.add(jobs);
    } catch (error) {
      const { log, metrics } = this.#deps.rooms().context;
      metrics.count('dispatch_not_shared');
      log.warn({ orderNo, error: String(error) }, 'the job queue is away: this process sends the whole fan-out');
      while ((await this.#claimAndSend(orderNo, batch, 'free')) === batch) {
        // The next batch.
      }
    }
  }

  /** Returns how many were claimed; throws when the broker did not take them all. */
  async #claimAndSend(orderNo: number, limit: number, what: Claimable): Promise<number> {
    const batch = this.#claimedAndSent(orderNo, limit, what);
    this.#batches.add(batch);
    return batch.finally(() => this.#batches.delete(batch));
  }

  async #claimedAndSent(orderNo: number, limit: number, what: Claimable): Promise<number> {
    const commands = await claimCommands(this.#deps.rooms(), orderNo, limit, what);
    const unsent = await this.#send(orderNo, commands);
    if (unsent.length === 0) return commands.length;
    await this.#giveBack(unsent);
    throw new Error(`${unsent.length} commands of order ${orderNo} were not taken by the broker`);
  }

  #job(data: DispatchJob) {
    return {
      name: DISPATCH_JOB,
      id: `${DISPATCH_JOB}-${data.orderNo}-${this.#deps.rooms().process.id}-${++this.#jobs}`,
      data,
      attempts: LIMITS.dispatchAttempts,
      backoffMs: LIMITS.dispatchBackoffMs,
    };
  }

  async #giveBack(unsent: readonly Outgoing[]): Promise<void> {
    const rooms = this.#deps.rooms();
    if (!rooms.process.shared && !rooms.config.ocpp) return;
    await unclaim(
      rooms.database,
      unsent.map(({ payload }) => payload.command_id),
    );
  }

  async #inTurn(orderNo: number, run: () => Promise<unknown>): Promise<void> {
    const before = this.#tails.get(orderNo) ?? Promise.resolve();
    const mine = before.catch(() => {}).then(async () => void (await run()));
    this.#tails.set(orderNo, mine);
    try {
      await mine;
    } finally {
      if (this.#tails.get(orderNo) === mine) this.#tails.delete(orderNo);
    }
  }

  /** Sends side by side, marks in bulk; returns what was not taken. */
  async #send(orderNo: number, commands: readonly Outgoing[]): Promise<Outgoing[]> {
    const rooms = this.#deps.rooms();
    const sent: Sent[] = [];
    const unsent: Outgoing[] = [];
    await inLanes(commands, async (one) => {
      if (!mayLeave(rooms, one)) rooms.context.metrics.count('commands_withheld');
      else if (await this.#deps.link.send(orderNo, one))
        sent.push({ commandId: one.payload.command_id, at: new Date(rooms.context.wall.nowMs()) });
      else unsent.push(one);
    });
    rooms.context.metrics.count('commands_sent', {}, sent.length);
    if (sent.length > 0) await markSent(rooms, orderNo, sent);
    return unsent;
  }
}
