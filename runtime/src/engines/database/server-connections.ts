import type pg from 'pg';
import type { WallClock } from '../../clock.ts';
import { engineLimits } from '../limits.ts';
import { becoming, isLoss, type ServerPlace, unreachable } from './server.ts';
import { committed, type Identity, type QueryResult } from './session.ts';
import { toWire } from './values.ts';

/** Changes the connection for whoever has it next. */
const SESSION_CHANGE = /^\s*(?:set|reset|discard)\b/i;
const EMPTY: QueryResult = { rows: [], command: '', rowCount: 0 };

/** Statements on one connection, with values as every adapter takes and gives them. */
export function statementsOf(client: pg.ClientBase) {
  return async (sql: string, values: readonly unknown[] = []): Promise<QueryResult> => {
    const answer = await client.query(sql, values.map(toWire));
    // Several statements without values: what counts is the last.
    const result = (Array.isArray(answer) ? answer.at(-1) : answer) as pg.QueryResult | undefined;
    if (!result) return EMPTY;
    return committed(sql, { rows: result.rows, command: result.command, rowCount: result.rowCount ?? 0 });
  };
}

/**
 * The connections of one process, taken in turn by its subscribers, each under its own role and schema. A connection
 * keeps its last identity, so that a process of one subscriber never pays for the switch.
 */
export class ServerConnections {
  readonly #place: ServerPlace;
  readonly #pool: pg.Pool;
  readonly #wall: WallClock;
  readonly #identities = new WeakMap<pg.PoolClient, string>();
  readonly #held = new Set<pg.PoolClient>();
  /** Losses so far: what cut one connection has likely cut all that were open then. */
  #losses = 0;
  readonly #lossesAtBirth = new WeakMap<pg.PoolClient, number>();
  #refusal: Error | undefined;

  constructor(place: ServerPlace, pool: pg.Pool, wall: WallClock) {
    this.#place = place;
    this.#pool = pool;
    this.#wall = wall;
    pool.on('connect', (client) => this.#lossesAtBirth.set(client, this.#losses));
    pool.on('error', () => this.#losses++);
  }

  assertOpen(): void {
    if (this.#refusal) throw this.#refusal;
  }

  refuse(reason: Error): void {
    this.#refusal ??= reason;
  }

  /** Resolves when everything that is held is given back. */
  end(): Promise<void> {
    return this.#pool.end();
  }

  /** Cuts what is held. */
  drop(): void {
    for (const client of this.#held) client.release(true);
    this.#held.clear();
  }

  /** What Kysely's PostgresDialect uses of a `pg.Pool`. */
  poolFor(identity: Identity) {
    return { connect: () => this.#connect(identity), end: async () => {} };
  }

  async #connect(identity: Identity) {
    const client = await this.#take(identity);
    const run = statementsOf(client);
    let lost: unknown;
    const onLoss = (error: unknown) => {
      if (lost === undefined) this.#losses++;
      lost ??= error;
    };
    client.on('error', onLoss);
    let changed = false;
    let held = true;
    const query = async (sql: string, values: readonly unknown[]): Promise<QueryResult> => {
      if (!held)
        throw new Error('this database connection was released: a transaction object outlived its transaction');
      if (lost) {
        // Its transaction ended with the connection: what is told is the loss, not that this failed too.
        if (sql === 'rollback') return EMPTY;
        throw lost;
      }
      changed ||= SESSION_CHANGE.test(sql);
      try {
        return await run(sql, values);
      } catch (error) {
        if (!isLoss(error)) throw error;
        onLoss(error);
        throw lost;
      }
    };
    const release = () => {
      if (!held) return;
      held = false;
      client.off('error', onLoss);
      if (!this.#held.delete(client)) return;
      // Nobody else is given a connection that is lost, changed, or left within a transaction.
      client.release(lost !== undefined || changed || client.getTransactionStatus() !== 'I');
    };
    // The dialect's type has one more form of query, for cursors.
    return { query: query as never, release };
  }

  async #take(identity: Identity): Promise<pg.PoolClient> {
    this.assertOpen();
    if (this.#pool.waitingCount >= engineLimits.sessionWaiters)
      throw new Error(`the database is overloaded: ${engineLimits.sessionWaiters} wait for a connection`);
    const client = await this.#connection();
    try {
      this.assertOpen();
      if (this.#identities.get(client) !== identity.role) {
        this.#identities.delete(client);
        await client.query(becoming(identity));
        this.#identities.set(client, identity.role);
      }
    } catch (error) {
      client.release(true);
      throw error;
    }
    this.#held.add(client);
    return client;
  }

  /** One that was opened since the last loss. */
  async #connection(): Promise<pg.PoolClient> {
    const begunMs = this.#wall.monotonicMs();
    for (let doubtful = 0; ; doubtful++) {
      const client = await this.#pool.connect().catch((error: unknown) => {
        this.assertOpen();
        throw this.#explained(error, begunMs);
      });
      if (this.#lossesAtBirth.get(client) === this.#losses || doubtful > this.#pool.options.max) return client;
      client.release(true);
    }
  }

  #explained(error: unknown, begunMs: number): Error {
    const { totalCount, options } = this.#pool;
    if (!/^timeout exceeded when trying to connect/.test(String((error as Error).message)) || totalCount < options.max)
      return unreachable(this.#place, error);
    const waitedMs = Math.round(this.#wall.monotonicMs() - begunMs);
    return new Error(
      `no database connection within ${waitedMs} ms: all ${options.max} are in use, a transaction is open that long, ` +
        'or a statement was sent outside its own transaction from within it',
      { cause: error },
    );
  }
}
