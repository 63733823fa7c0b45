import type { PGlite } from '@electric-sql/pglite';
import { LRUCache } from 'lru-cache';
import { engineLimits } from '../limits.ts';
import { Turns } from './turns.ts';
import { parserOf, toWire } from './values.ts';
import { extended, query } from './wire.ts';

export interface QueryResult {
  readonly rows: Record<string, unknown>[];
  readonly command: string;
  readonly rowCount: number;
}

/** Whose statements these are. Absent: the owner of the database, for setting up. */
export interface Identity {
  /** Database role, which owns the schema of the same name unless `schema` names another. */
  readonly role: string;
  readonly schema: string;
}

type Message = Awaited<ReturnType<PGlite['execProtocol']>>['messages'][number];
interface Column {
  readonly name: string;
  readonly parse: (text: string) => unknown;
}

const PREPARABLE = /^\s*(?:--[^\n]*\n\s*)*(?:select|insert|update|delete|with|merge)\b/i;
/** Changes the session for whoever has the next turn. */
const SESSION_CHANGE = /^\s*(?:set|reset|discard)\b/i;
/** The statement's result type changed, or the server forgot the statement. */
const STALE_STATEMENT = new Set(['0A000', '26000']);

function columnsOf(message: Message): Column[] {
  const { fields } = message as unknown as { fields: { name: string; dataTypeID: number }[] };
  return fields.map((field) => ({ name: field.name, parse: parserOf(field.dataTypeID) }));
}

function rowOf(message: Message, columns: readonly Column[]): Record<string, unknown> {
  const { fields } = message as unknown as { fields: (string | null)[] };
  const row: Record<string, unknown> = {};
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i] as Column;
    const text = fields[i] ?? null;
    row[column.name] = text === null ? null : column.parse(text);
  }
  return row;
}

/** The result of the last statement in `messages`. */
function resultOf(messages: readonly Message[]): QueryResult {
  let columns: Column[] = [];
  let rows: Record<string, unknown>[] = [];
  let result: QueryResult = { rows, command: '', rowCount: 0 };
  for (const message of messages) {
    if (message.name === 'rowDescription') {
      columns = columnsOf(message);
      rows = [];
    } else if (message.name === 'dataRow') rows.push(rowOf(message, columns));
    else if (message.name === 'commandComplete') {
      const words = (message as unknown as { text: string }).text.split(' ');
      result = { rows, command: words[0] ?? '', rowCount: Number(words.at(-1)) || 0 };
      rows = [];
    }
  }
  return result;
}

/** PostgreSQL answers the commit of a failed transaction with its rollback, and no error. */
export function committed(sql: string, result: QueryResult): QueryResult {
  if (sql !== 'commit' || result.command !== 'ROLLBACK') return result;
  throw new Error('the transaction was rolled back: one of its statements failed, and the error was not passed on');
}

/**
 * The one session of a PGlite: statements of several subscribers take turns on it, each under its own role and
 * search path, switched only when the turn goes to another.
 */
export class PgliteSession {
  readonly turns = new Turns(engineLimits.sessionWaiters);
  readonly #db: PGlite;
  #current = '';
  #inTransaction = false;
  #names = 0;
  readonly #seen = new LRUCache<string, true>({ max: engineLimits.seenStatements });
  readonly #evicted: string[] = [];
  readonly #prepared = new LRUCache<string, string>({
    max: engineLimits.preparedStatements,
    dispose: (name) => this.#evicted.push(name),
  });

  constructor(db: PGlite) {
    this.#db = db;
  }

  get inTransaction(): boolean {
    return this.#inTransaction;
  }

  /** Runs under `identity`; the caller holds the turn. */
  async become(identity: Identity | undefined): Promise<void> {
    const wanted = identity ? `${identity.role}/${identity.schema}` : '/';
    if (wanted === this.#current) return;
    this.#current = '';
    await this.#exchange(
      query(
        identity
          ? `set role "${identity.role}"; set search_path to "${identity.schema}"`
          : 'reset role; reset search_path',
      ),
    );
    this.#current = wanted;
  }

  /** One statement, or several without values; the caller holds the turn. */
  async run(sql: string, values: readonly unknown[] = []): Promise<QueryResult> {
    // Whatever it changes is set anew for the next turn, also when that is of the same subscriber.
    if (SESSION_CHANGE.test(sql)) this.#current = '';
    const preparable = sql.length <= engineLimits.preparedStatementChars && PREPARABLE.test(sql);
    if (values.length === 0 && !preparable) return committed(sql, resultOf(await this.#exchange(query(sql))));
    const wire = values.map(toWire);
    const key = `${this.#current} ${sql}`;
    const name = preparable ? this.#prepared.get(key) : undefined;
    if (name !== undefined) return this.#runPrepared(key, name, wire);
    if (!preparable || !this.#seen.has(key)) {
      if (preparable) this.#seen.set(key, true);
      return resultOf(await this.#exchange(extended({ name: '', sql, values: wire })));
    }
    return this.#prepareAndRun(key, sql, wire);
  }

  async #runPrepared(key: string, name: string, values: ReturnType<typeof toWire>[]): Promise<QueryResult> {
    try {
      return resultOf(await this.#exchange(extended({ name, values })));
    } catch (error) {
      if (STALE_STATEMENT.has(String((error as { code?: unknown }).code))) this.#prepared.delete(key);
      throw error;
    }
  }

  async #prepareAndRun(key: string, sql: string, values: ReturnType<typeof toWire>[]): Promise<QueryResult> {
    const name = `s${++this.#names}`;
    const close = this.#evicted.splice(0);
    try {
      const result = resultOf(await this.#exchange(extended({ name, sql, values, close })));
      this.#prepared.set(key, name);
      return result;
    } catch (error) {
      // It may have been prepared before it failed.
      this.#evicted.push(name);
      throw error;
    }
  }

  async #exchange(bytes: Uint8Array): Promise<Message[]> {
    const { messages } = await this.#db.execProtocol(bytes, { throwOnError: false });
    let failure: unknown;
    for (const message of messages) {
      if (message.name === 'error') failure ??= message;
      else if (message.name === 'readyForQuery')
        this.#inTransaction = (message as unknown as { status: string }).status !== 'I';
    }
    if (failure) throw failure;
    return messages;
  }
}
