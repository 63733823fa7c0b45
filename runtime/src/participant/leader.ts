import { type Kysely, sql } from 'kysely';
import type { WallClock } from '../clock.ts';
import type { Logger } from '../logging.ts';
import { within } from '../service.ts';
import { LEADER_ANSWER_MS, LEADER_CHECK_MS } from './limits.ts';

/**
 * Which of several processes runs what one runs: the one whose connection holds an advisory lock. The database frees it
 * with the connection, so another takes over when this process dies, and within seconds when its machine does. What a
 * leader does must bear that the last one is not quite gone.
 */
export interface Leader {
  readonly isLeader: boolean;
  /** Gives the place up at once. */
  close(): Promise<void>;
}

/** An embedded database is in the process itself: it has one connection, which nobody else can have. */
export function leadAlways({ onChange }: Pick<LeaderDeps, 'onChange'>): Leader {
  onChange(true);
  return { isLeader: true, close: async () => onChange(false) };
}

export interface LeaderDeps {
  readonly db: Kysely<never>;
  readonly wall: WallClock;
  readonly log: Logger;
  /** Called with each change; a throw is logged. */
  onChange(isLeader: boolean): void;
}

export function standForLeader({ db, wall, log, onChange }: LeaderDeps): Leader {
  const stopping = new AbortController();
  const pause = () => wall.sleep(LEADER_CHECK_MS, stopping.signal).catch(() => {});
  let isLeader = false;

  function become(now: boolean): void {
    if (now === isLeader) return;
    isLeader = now;
    log.info({}, now ? 'this process now runs what only one runs' : 'another process may run what only one runs');
    try {
      onChange(now);
    } catch (error) {
      log.error({ error: String(error) }, 'the change of the leading process failed');
    }
  }

  /** Returns when the place is another's or given up; throws when the connection is lost. */
  async function stand(connection: Kysely<never>): Promise<void> {
    const { rows } = await sql<{ held: boolean }>`
      select pg_try_advisory_lock(hashtext(current_schema()), hashtext('leader')) as held`.execute(connection);
    if (!rows[0]?.held) return;
    // The changed setting also has the connection thrown away after us, and the lock with it.
    await sql`set tcp_keepalives_idle = 5`.execute(connection);
    await sql`set tcp_keepalives_interval = 2`.execute(connection);
    await sql`set tcp_keepalives_count = 2`.execute(connection);
    become(true);
    while (!stopping.signal.aborted) {
      await pause();
      if (!stopping.signal.aborted) await within(wall, LEADER_ANSWER_MS, sql`select 1`.execute(connection));
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await db.connection().execute(stand);
      } catch (error) {
        log.warn({ error: String(error) }, 'the database did not say who leads; asked again');
      } finally {
        become(false);
      }
      await pause();
    }
  }

  const running = run();
  return {
    get isLeader() {
      return isLeader;
    },
    async close() {
      stopping.abort(new Error('closed'));
      await within(wall, LEADER_ANSWER_MS, running).catch(() => {});
    },
  };
}
