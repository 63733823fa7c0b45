import { within } from '@flexder/runtime/service.ts';
import type { DeviceAck } from '@flexder/schemas/types.ts';
import { type Kysely, sql } from 'kysely';
import type { Rooms } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { AggregatorTables, Answer } from '../tables.ts';
import { allAnswered, closeAnswers } from './report.ts';

const ANSWERS: ReadonlySet<string> = new Set<Answer>(['ACCEPTED', 'REJECTED', 'OPTED_OUT', 'EXPIRED']);

/**
 * The devices' own answers, counted once each: the first answer to a command of ours from the device it was for, with
 * the sequence it had. Anything else is ignored and counted. They are written in batches, as many as have come by then.
 */
export class Answers {
  readonly #rooms: () => Rooms;
  #queued: DeviceAck[] = [];
  #end: (() => void) | undefined;

  constructor(rooms: () => Rooms) {
    this.#rooms = rooms;
  }

  /** A schema-valid answer whose device is the one of its topic. */
  receive(ack: DeviceAck): void {
    const { context } = this.#rooms();
    if (this.#queued.length >= LIMITS.maxAnswersQueued) {
      context.metrics.count('device_message_dropped', { kind: 'ack', reason: 'overloaded' });
      return;
    }
    this.#queued.push(ack);
    if (this.#end) return;
    this.#end = context.activity.begin('device answers');
    setImmediate(() => void this.#drain());
  }

  async #drain(): Promise<void> {
    const { context } = this.#rooms();
    try {
      // Commands first: the answers of those already out would take the database from those still to go.
      await within(context.wall, LIMITS.answersWaitMs, this.#rooms().dispatcher.idle()).catch(() => {});
      while (this.#queued.length > 0) await this.#write(this.#queued.splice(0, LIMITS.answersPerWrite));
    } catch (error) {
      context.metrics.count('device_answers_lost');
      context.log.error({ error: String(error) }, 'device answers could not be written; those devices count as silent');
    } finally {
      this.#end?.();
      this.#end = undefined;
    }
  }

  async #write(acks: readonly DeviceAck[]): Promise<void> {
    const rooms = this.#rooms();
    const first = new Map<string, DeviceAck>();
    for (const ack of acks) if (ANSWERS.has(ack.result) && !first.has(ack.command_id)) first.set(ack.command_id, ack);
    // Each of several processes hears an answer: one that is written already needs no locks.
    if (rooms.process.shared && !(await anyOpen(rooms.database, [...first.keys()], acks))) return;
    const counted = await rooms.transact(async (work) => {
      await writeLifeCycles(
        work.db,
        acks.filter((ack) => !ANSWERS.has(ack.result)),
      );
      if (first.size === 0) return 0;
      const answers = [...first.values()];
      // The end of a fan-out and its last answer may come at once: the lock makes one of them see the other.
      await sql`
        select order_no from flex_order where order_no in
          (select order_no from command where command_id = any(${answers.map((ack) => ack.command_id)}::text[]))
        order by order_no for update`.execute(work.db);
      const { rows } = await sql<{ order_no: number; activations: number; all: number }>`
        with given as (
          select * from unnest(
            ${answers.map((ack) => ack.command_id)}::text[], ${answers.map((ack) => ack.der_id)}::text[],
            ${answers.map((ack) => ack.sequence)}::int[], ${answers.map((ack) => ack.result)}::text[],
            ${answers.map((ack) => ack.ts)}::timestamptz[]) as g(command_id, der_id, sequence, answer, answered_at)),
        changed as (
          update command c set answer = g.answer, answered_at = g.answered_at
          from given g, flex_order o
          where c.command_id = g.command_id and c.der_id = g.der_id and c.sequence = g.sequence
            and c.answer is null and c.state <> 'VOID' and o.order_no = c.order_no
            and (c.command_type = 'RELEASE' or (not o.answers_closed and c.revision >= o.answers_revision
              and o.state in ('SCHEDULED', 'IN_PROGRESS')))
          returning c.order_no, c.command_type)
        select order_no, (count(*) filter (where command_type <> 'RELEASE'))::int as activations, count(*)::int as all
        from changed group by order_no order by order_no`.execute(work.db);
      for (const { order_no, activations } of rows) {
        if (activations === 0 || !(await allAnswered(work, order_no))) continue;
        const reported = await work.db
          .selectFrom('flex_order')
          .select('fan_out_reported')
          .where('order_no', '=', order_no)
          .executeTakeFirstOrThrow();
        // Otherwise the end of the fan-out, which is still being written, closes the order and tells both at once.
        if (reported.fan_out_reported) await closeAnswers(work, rooms, order_no, 'every device answered');
      }
      return rows.reduce((sum, row) => sum + row.all, 0);
    });
    const answered = acks.filter((ack) => ANSWERS.has(ack.result)).length;
    rooms.context.metrics.count('device_answers', {}, counted);
    if (answered > counted) rooms.context.metrics.count('device_answers_ignored', {}, answered - counted);
  }
}

async function anyOpen(
  db: Kysely<AggregatorTables>,
  answered: readonly string[],
  acks: readonly DeviceAck[],
): Promise<boolean> {
  if (acks.some((ack) => !ANSWERS.has(ack.result))) return true;
  const { rows } = await sql`
    select from command where command_id = any(${answered}::text[]) and answer is null limit 1`.execute(db);
  return rows.length > 0;
}

async function writeLifeCycles(
  db: Parameters<typeof closeAnswers>[0]['db'],
  acks: readonly DeviceAck[],
): Promise<void> {
  if (acks.length === 0) return;
  // The last of a batch is the furthest: a device starts before it completes.
  const last = new Map(acks.map((ack) => [ack.command_id, ack]));
  const given = [...last.values()];
  await sql`
    update command c set life_cycle = g.life_cycle
    from unnest(${given.map((ack) => ack.command_id)}::text[], ${given.map((ack) => ack.der_id)}::text[],
      ${given.map((ack) => ack.result)}::text[]) as g(command_id, der_id, life_cycle)
    where c.command_id = g.command_id and c.der_id = g.der_id`.execute(db);
}
