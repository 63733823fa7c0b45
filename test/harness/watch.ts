/** What a test looks at to know that nothing happened: tables, records, outbound calls. */
import type { AuditEntry } from '@flexder/protocol/audit/record.ts';
import type { Outbound } from '@flexder/runtime/http/outbound.ts';
import type { ParticipantTables } from '@flexder/runtime/participant/open.ts';
import type { Network } from '@flexder/sandbox/network/network.ts';
import { type Kysely, sql } from 'kysely';
import type { openTables } from './tables.ts';

/** The tables of the DSO or of an aggregator. */
export type Tables = Awaited<ReturnType<(typeof openTables)[keyof typeof openTables]>>;

const participantTables = (db: Tables) => db as unknown as Kysely<ParticipantTables>;

/** Tables of effects: when and how often one was delivered says nothing of what it is. */
const EFFECTS = ['inbound_message', 'outbox', 'archive_entry'];
const BOOKKEEPING = [
  'done_at',
  'attempts',
  'next_attempt',
  'handled_at',
  'archived_at',
  'content',
  'headers',
  'sent_at',
];

const CHECKPOINTS_ASIDE = sql`where not exists (select 1 from audit_checkpoint c where c.key = t.key)`;

/**
 * One fingerprint a table: of an effect its contents, of any other table how many rows it has and the newest transaction
 * that wrote one, which is what the database itself knows of a change and costs it no more than a look. The audit record
 * is looked at by itself, and what was refused is kept with it. Checkpoints of its chain are made as time goes by, and say nothing of what happened between two
 * looks.
 */
export async function dump(db: Tables): Promise<Record<string, string>> {
  const { rows: tables } = await sql<{ name: string }>`
    select relname as name from pg_class
    where relnamespace = current_schema()::regnamespace and relkind = 'r'
      and relname not in ('audit_record', 'audit_checkpoint', 'refused_message') and relname not like 'kysely%' order by 1`.execute(
    participantTables(db),
  );
  const parts = tables.map(({ name }) => sql`select ${name}::text as name, (${fingerprint(name)}) as fingerprint`);
  const { rows } = await sql<{ name: string; fingerprint: string }>`${sql.join(parts, sql` union all `)}`.execute(
    participantTables(db),
  );
  return Object.fromEntries(rows.map(({ name, fingerprint }) => [name, fingerprint]));
}

function fingerprint(name: string) {
  if (!EFFECTS.includes(name))
    return sql`select count(*)::text || ' ' || coalesce(max(xmin::text::bigint), 0)::text from ${sql.table(name)}`;
  return sql`
    select count(*)::text || ' ' || coalesce(md5(string_agg(r, '' order by r)), '')
    from (select (to_jsonb(t) - ${BOOKKEEPING}::text[])::text as r from ${sql.table(name)} t
          ${name === 'archive_entry' ? CHECKPOINTS_ASIDE : sql``}) x`;
}

/** Everything but the inbox and the outbox: what was agreed, held and commanded. */
export async function business(db: Tables): Promise<Record<string, string>> {
  const { inbound_message: _in, outbox: _out, ...rest } = await dump(db);
  return rest;
}

export async function lastRecord(db: Tables): Promise<string> {
  const row = await participantTables(db)
    .selectFrom('audit_record')
    .select((eb) => eb.fn.max('id').as('id'))
    .executeTakeFirst();
  return String(row?.id ?? 0);
}

/** Records written after `id`, oldest first. */
export async function recordsAfter(db: Tables, id: string): Promise<AuditEntry[]> {
  const rows = await participantTables(db)
    .selectFrom('audit_record')
    .select('record')
    .where('id', '>', id)
    .orderBy('id')
    .execute();
  return rows.map(({ record }) => record);
}

export interface Tap {
  /** URLs that any service of the network called, registry lookups left out. */
  readonly calls: string[];
  readonly lookups: string[];
}

/** Notes every call that leaves a service; all of them share one outbound HTTP. */
export function tapOutbound({ context, registry }: Pick<Network, 'context' | 'registry'>): Tap {
  const tap: Tap = { calls: [], lookups: [] };
  const outbound = context.http as { request: Outbound['request'] };
  const request = outbound.request.bind(outbound);
  outbound.request = (url, options) => {
    (url.startsWith(registry.url) ? tap.lookups : tap.calls).push(url);
    return request(url, options);
  };
  return tap;
}
