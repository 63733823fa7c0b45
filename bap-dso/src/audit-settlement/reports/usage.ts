/** Activations per feeder: what a subscription is billed by. */
import { type Kysely, sql } from 'kysely';
import type { BapTables } from '../../tables.ts';
import { MAX_USAGE_ROWS } from '../limits.ts';

export interface FeederUsage {
  readonly feeder_id: string;
  /** Events on the feeder and the orders they were answered with. */
  readonly events: number;
  readonly activations: number;
  readonly commands: number;
  readonly committed_kw: number;
}

/** Orders under which a device was commanded, per feeder; `from` and `to` are wall-clock instants, half-open. */
export async function usageByFeeder(
  db: Kysely<BapTables>,
  range: { readonly from?: Date | undefined; readonly to?: Date | undefined },
): Promise<FeederUsage[]> {
  const commands = sql<number>`coalesce((dispatch->>'commands')::int, 0)`;
  let query = db
    .selectFrom('flex_order')
    .select([
      'feeder_id',
      sql<number>`count(distinct event_id)::int`.as('events'),
      sql<number>`count(*)::int`.as('activations'),
      sql<number>`sum(${commands})::int`.as('commands'),
      sql<number>`sum(committed_kw)::float8`.as('committed_kw'),
    ])
    .where(commands, '>', 0);
  if (range.from) query = query.where('created_wall_at', '>=', range.from);
  if (range.to) query = query.where('created_wall_at', '<', range.to);
  return query.groupBy('feeder_id').orderBy('feeder_id').limit(MAX_USAGE_ROWS).execute();
}
