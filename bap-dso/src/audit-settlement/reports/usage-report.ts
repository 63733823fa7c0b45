/** A month's use of the platform, for the subscription: each activation, and how many there were of each feeder. */

import { csvOf } from '@flexder/runtime/csv.ts';
import { type Kysely, sql } from 'kysely';
import type { BapTables } from '../../tables.ts';
import { MAX_USAGE_ACTIVATIONS } from '../limits.ts';
import { ReportTooLargeError } from './report.ts';

/** One order under which at least one device was commanded. */
export interface Activation {
  readonly obp_id: string;
  readonly event_id: string;
  readonly feeder_id: string;
  readonly bpp_id: string;
  /** When it was placed, wall clock, RFC 3339 UTC. */
  readonly placed_at: string;
  readonly is_top_up: boolean;
  readonly commands: number;
  readonly committed_kw: number;
}

export interface UsageReport {
  /** `YYYY-MM`, wall clock, UTC: what is billed is what the platform did, and simulated time bills nothing. */
  readonly month: string;
  readonly feeders: readonly {
    readonly feeder_id: string;
    readonly events: number;
    readonly activations: number;
    readonly top_ups: number;
    readonly commands: number;
  }[];
  readonly activations: readonly Activation[];
  readonly totals: {
    /** Feeders that were watched, or that had an activation. */
    readonly feeders: number;
    readonly events: number;
    readonly activations: number;
    readonly commands: number;
  };
}

/** @param watched feeders of the subscription; each has a line, with zeros when nothing happened. Empty: not known here. */
export async function usageReport(
  db: Kysely<BapTables>,
  month: string,
  watched: readonly string[] = [],
): Promise<UsageReport> {
  const activations = await activationsIn(db, month);
  const names = [...new Set([...watched, ...activations.map(({ feeder_id }) => feeder_id)])].sort();
  const feeders = names.map((feederId) => {
    const own = activations.filter(({ feeder_id }) => feeder_id === feederId);
    return { feeder_id: feederId, ...counted(own), top_ups: own.filter(({ is_top_up }) => is_top_up).length };
  });
  return { month, feeders, activations, totals: { feeders: names.length, ...counted(activations) } };
}

const counted = (activations: readonly Activation[]) => ({
  events: new Set(activations.map(({ event_id }) => event_id)).size,
  activations: activations.length,
  commands: activations.reduce((sum, { commands }) => sum + commands, 0),
});

async function activationsIn(db: Kysely<BapTables>, month: string): Promise<Activation[]> {
  const commands = sql<number>`coalesce((dispatch->>'commands')::int, 0)`;
  const found = await db
    .selectFrom('flex_order')
    .select(['obp_id', 'event_id', 'feeder_id', 'bpp_id', 'created_wall_at', 'is_top_up', 'committed_kw'])
    .select(commands.as('commands'))
    .where(commands, '>', 0)
    .where('created_wall_at', '>=', new Date(`${month}-01T00:00:00Z`))
    .where('created_wall_at', '<', new Date(`${nextMonth(month)}-01T00:00:00Z`))
    .orderBy('created_wall_at')
    .orderBy('obp_id')
    .limit(MAX_USAGE_ACTIVATIONS + 1)
    .execute();
  if (found.length > MAX_USAGE_ACTIVATIONS)
    throw new ReportTooLargeError(`more than ${MAX_USAGE_ACTIVATIONS} activations are in ${month}`);
  return found.map(({ created_wall_at, ...rest }) => ({ ...rest, placed_at: created_wall_at.toISOString() }));
}

function nextMonth(month: string): string {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return new Date(Date.UTC(year, number, 1)).toISOString().slice(0, 7);
}

/** One line an activation. */
export function usageCsv({ activations }: UsageReport): string {
  const columns = [
    ['obp_id', 'text'],
    ['event_id', 'text'],
    ['feeder_id', 'text'],
    ['bpp_id', 'text'],
    ['placed_at', 'text'],
    ['is_top_up', 'text'],
    ['commands', 'number'],
    ['committed_kw', 'number'],
  ] as const;
  return csvOf(columns, activations as unknown as readonly Record<string, string | number | boolean>[]);
}
