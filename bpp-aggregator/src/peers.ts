import { sql } from 'kysely';
import type { Rooms } from './context.ts';
import { LIMITS } from './limits.ts';

/**
 * Whether other processes of this aggregator are alive, by what each writes of itself at every look at the shared work.
 * It decides only who does the work, never whether work may be done twice: that is what claims are for.
 */
export class Peers {
  readonly #rooms: () => Rooms;
  /** Until the first look others are taken to be there. */
  #others = 1;
  #met = 0;

  constructor(rooms: () => Rooms) {
    this.#rooms = rooms;
  }

  /** Looks that found others: while it stays as it is and this process is alone, nobody else has heard anything. */
  get met(): number {
    return this.#met;
  }

  get alone(): boolean {
    return this.#others === 0;
  }

  /** Says that this process is there, and counts the others; by the clock of the database. */
  async look(): Promise<void> {
    const { database, process } = this.#rooms();
    const { rows } = await sql<{ others: number }>`
      with me as (
        insert into process (process_id, seen_at) values (${process.id}, clock_timestamp())
        on conflict (process_id) do update set seen_at = excluded.seen_at),
      gone as (
        delete from process where seen_at < clock_timestamp() - ${sql.lit(LIMITS.peerForgottenMs)} * interval '1 ms')
      select count(*)::int as others from process
      where process_id <> ${process.id}
        and seen_at > clock_timestamp() - ${sql.lit(LIMITS.peerAliveMs)} * interval '1 ms'`.execute(database);
    this.#others = rows[0]?.others ?? 1;
    if (this.#others > 0) this.#met++;
  }

  /** The others need not wait to find out. */
  async leave(): Promise<void> {
    const { database, process } = this.#rooms();
    await database.deleteFrom('process').where('process_id', '=', process.id).execute();
  }
}
