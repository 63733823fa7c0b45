import { EventEmitter } from 'node:events';
import type { WallClock } from '../../clock.ts';
import { engineLimits } from '../limits.ts';
import type { Identity, PgliteSession, QueryResult } from './session.ts';

/** What Kysely's PostgresDialect and BullMQ's PostgreSQL backend use of a `pg.Pool`, over the one PGlite session. */
export interface SharedSession {
  readonly session: PgliteSession;
  readonly wall: WallClock;
  /** Throws once the engine is closed. */
  assertOpen(): void;
  onNotification(listener: (channel: string, payload: string) => void): () => void;
}

async function takeTurn(shared: SharedSession, identity: Identity | undefined): Promise<() => void> {
  shared.assertOpen();
  const end = await shared.session.turns.take((giveUp) =>
    shared.wall.after(engineLimits.sessionWaitMs, () =>
      giveUp(
        new Error(
          `no turn at the database within ${engineLimits.sessionWaitMs} ms: a transaction is open that long, ` +
            'or a statement was sent outside its own transaction from within it',
        ),
      ),
    ),
  );
  try {
    shared.assertOpen();
    await shared.session.become(identity);
    return end;
  } catch (error) {
    end();
    throw error;
  }
}

/** Runs `use` in one turn; what it left open is rolled back. */
export async function inTurn<T>(
  shared: SharedSession,
  identity: Identity | undefined,
  use: (session: PgliteSession) => Promise<T>,
): Promise<T> {
  const end = await takeTurn(shared, identity);
  try {
    return await use(shared.session);
  } finally {
    if (shared.session.inTransaction) await shared.session.run('rollback');
    end();
  }
}

/** For Kysely: a connection is a turn, held until its release. */
export function transactionPool(shared: SharedSession, identity: Identity) {
  return {
    async connect() {
      const end = await takeTurn(shared, identity);
      let held = true;
      return {
        // The dialect's type has one more form of query, for cursors, which a single session cannot serve.
        query: (async (sql: string, values: readonly unknown[]) => {
          if (!held)
            throw new Error('this database connection was released: a transaction object outlived its transaction');
          return shared.session.run(sql, values);
        }) as never,
        release() {
          if (!held) return;
          held = false;
          if (!shared.session.inTransaction) return end();
          // A failed rollback means a closed database, which the next turn reports.
          void shared.session
            .run('rollback')
            .catch(() => {})
            .finally(end);
        },
      };
    },
    end: async () => {},
  };
}

const LISTEN = /^\s*(?:--[^\n]*\n\s*)*listen\b/i;

/** For BullMQ: each statement is a turn of its own, and a client that listens holds none. */
export function statementPool(shared: SharedSession, identity: Identity) {
  const run = (sql: string, values?: readonly unknown[]): Promise<QueryResult> =>
    inTurn(shared, identity, (session) => session.run(sql, values));
  return Object.assign(new EventEmitter(), {
    // A notification of this process cannot be lost, so a worker may sleep as long as with a watched socket.
    options: { keepAlive: true },
    query: run,
    async connect() {
      shared.assertOpen();
      const client = Object.assign(new EventEmitter(), { query: run, release: () => {} });
      client.setMaxListeners(0);
      let stop = () => {};
      client.query = async (sql, values) => {
        const result = await run(sql, values);
        if (LISTEN.test(sql)) {
          stop();
          stop = shared.onNotification((channel, payload) => client.emit('notification', { channel, payload }));
        }
        return result;
      };
      client.release = () => stop();
      return client;
    },
    end: async () => {},
  });
}
