import type { BusClient } from '@flexder/runtime/engines/bus/port.ts';
import type { JobQueue } from '@flexder/runtime/engines/queue/port.ts';
import { sql } from 'kysely';
import type { Rooms } from '../context.ts';
import { LIMITS } from '../limits.ts';
import { lockByNo } from '../orders/store.ts';
import { type Outgoing, pendingCommands } from './commands.ts';
import { reportFanOut } from './report.ts';

/** Job that sends what a fan-out could not. */
export const DISPATCH_JOB = 'dispatch';

export interface DispatcherDeps {
  readonly rooms: () => Rooms;
  readonly bus: Pick<BusClient, 'publish'>;
  readonly queue: Pick<JobQueue, 'add'>;
  readonly topicOf: (derId: string, kind: 'cmd' | 'ack') => string;
}

/**
 * Hands commands to the broker. The rows written by the confirming transaction are the outbox: they are sent at once
 * from memory, what fails goes on as a job with backoff, and what a crash left is taken up from the rows at start.
 * A device executes a `command_id` once, so sending one twice does no harm.
 */
export class Dispatcher {
  readonly #deps: DispatcherDeps;
  /** The fan-out under way of each order: a release must not overtake the activation it ends. */
  readonly #tails = new Map<number, Promise<void>>();
  #retries = 0;

  constructor(deps: DispatcherDeps) {
    this.#deps = deps;
  }

  /** Sends what was just written; resolves when it is sent or given to the job queue. */
  fanOut(orderNo: number, commands: readonly Outgoing[]): Promise<void> {
    const { context } = this.#deps.rooms();
    return context.activity.track('dispatch', () =>
      this.#inTurn(orderNo, async () => {
        if ((await this.#send(orderNo, commands)) === 0) return;
        await this.#deps.queue.add([this.#job(orderNo)]);
      }).catch((error: unknown) => {
        context.metrics.count('dispatch_failed');
        context.log.error({ orderNo, error: String(error) }, 'a fan-out failed; what is unsent waits for the restart');
      }),
    );
  }

  /** Sends what is still unsent, from the rows; throws while the broker does not take it, so that the job is repeated. */
  async resume(orderNo: number): Promise<void> {
    await this.#inTurn(orderNo, async () => {
      const left = await this.#send(orderNo, await pendingCommands(this.#deps.rooms(), orderNo));
      if (left > 0) throw new Error(`${left} commands of order ${orderNo} were not taken by the broker`);
    });
  }

  /** Resolves when no fan-out is under way; each is bounded by the bus. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#tails.values());
  }

  #job(orderNo: number) {
    return {
      name: DISPATCH_JOB,
      id: `${DISPATCH_JOB}-${orderNo}-${this.#deps.rooms().context.wall.nowMs()}-${++this.#retries}`,
      data: { orderNo },
      attempts: LIMITS.dispatchAttempts,
      backoffMs: LIMITS.dispatchBackoffMs,
    };
  }

  async #inTurn(orderNo: number, run: () => Promise<void>): Promise<void> {
    const before = this.#tails.get(orderNo) ?? Promise.resolve();
    const mine = before.catch(() => {}).then(run);
    this.#tails.set(orderNo, mine);
    try {
      await mine;
    } finally {
      if (this.#tails.get(orderNo) === mine) this.#tails.delete(orderNo);
    }
  }

  /** Publishes side by side, marks in bulk; returns how many the broker did not take. */
  async #send(orderNo: number, commands: readonly Outgoing[]): Promise<number> {
    const { bus, topicOf } = this.#deps;
    const { context } = this.#deps.rooms();
    const sent: { commandId: string; at: Date }[] = [];
    const publish = async ({ derId, payload }: Outgoing) => {
      const leftS = Math.ceil((Date.parse(payload.valid_until) - context.grid.nowMs()) / 1000);
      if (leftS <= 0) return;
      try {
        await bus.publish(topicOf(derId, 'cmd'), JSON.stringify(payload), {
          expirySeconds: leftS,
          responseTopic: topicOf(derId, 'ack'),
          correlation: payload.command_id,
        });
        sent.push({ commandId: payload.command_id, at: new Date(context.wall.nowMs()) });
      } catch (error) {
        context.log.warn({ derId, orderNo, error: String(error) }, 'the broker did not take a command');
      }
    };
    let next = 0;
    const lane = async () => {
      for (let one = commands[next++]; one; one = commands[next++]) await publish(one);
    };
    await Promise.all(Array.from({ length: Math.min(commands.length, LIMITS.dispatchLanes) }, lane));
    context.metrics.count('commands_sent', {}, sent.length);
    if (sent.length > 0) await this.#mark(orderNo, sent);
    return commands.length - sent.length;
  }

  #mark(orderNo: number, sent: readonly { commandId: string; at: Date }[]): Promise<void> {
    const rooms = this.#deps.rooms();
    return rooms.transact(async (work) => {
      await lockByNo(work.db, orderNo);
      await sql`
        update command set state = 'SENT', sent_wall_at = s.at
        from unnest(${sent.map((one) => one.commandId)}::text[], ${sent.map((one) => one.at)}::timestamptz[]) as s(id, at)
        where command_id = s.id and state = 'PENDING'`.execute(work.db);
      await reportFanOut(work, rooms, orderNo);
    });
  }
}
