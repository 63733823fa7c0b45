/** What was settled when, and in which run: nothing is overwritten, so every revision of an order is there. */
import { type Kysely, sql } from 'kysely';
import type { BapTables } from '../../tables.ts';
import type { SettlementDeps } from '../deps.ts';
import { MAX_RUN_ORDERS } from '../limits.ts';
import { ReportTooLargeError } from '../reports/report.ts';
import type { RunType } from './config.ts';
import { settleOrder } from './settle.ts';

export interface Revision {
  readonly obp_id: string;
  readonly revision: number;
  readonly run_type: RunType;
  readonly rows: number;
  readonly delivered_mwh: string;
  readonly payable_mwh: string;
  readonly payment_gbp: string;
  readonly compensation_gbp: string;
}

/** Oldest first. */
export async function revisionsOf(db: Kysely<BapTables>, obpId: string): Promise<Revision[]> {
  const { rows } = await sql<Revision>`
    select obp_id, revision, min(row->>'run_type') as run_type, count(*)::int as rows,
      sum((row->>'delivered_mwh')::numeric)::text as delivered_mwh,
      sum((row->>'payable_mwh')::numeric)::text as payable_mwh,
      sum((row->>'utilisation_payment_gbp')::numeric)::text as payment_gbp,
      sum((row->>'compensation_gbp')::numeric)::text as compensation_gbp
    from settlement_row where obp_id = ${obpId} group by obp_id, revision order by revision`.execute(db);
  return rows;
}

export interface RunOutcome {
  readonly run_type: RunType;
  readonly computed: number;
  readonly unchanged: number;
  readonly failed: readonly { readonly obp_id: string; readonly why: string }[];
}

/**
 * Settles every order of these London settlement dates (both included) anew in a later run, from the meter documents
 * the BPPs stand by now and the present configuration. An order that cannot be settled holds up no other.
 */
export async function settleRun(
  deps: SettlementDeps,
  runType: RunType,
  dates: { readonly from: string; readonly to: string },
): Promise<RunOutcome> {
  const found = await (deps.participant.database as unknown as Kysely<BapTables>)
    .selectFrom('settlement_row')
    .select('obp_id')
    .distinct()
    .where('settlement_date', '>=', dates.from)
    .where('settlement_date', '<=', dates.to)
    .orderBy('obp_id')
    .limit(MAX_RUN_ORDERS + 1)
    .execute();
  if (found.length > MAX_RUN_ORDERS)
    throw new ReportTooLargeError(`more than ${MAX_RUN_ORDERS} orders are of these dates; name fewer`);
  const counts = { computed: 0, unchanged: 0 };
  const failed: { obp_id: string; why: string }[] = [];
  for (const { obp_id } of found) {
    try {
      counts[(await settleOrder(deps, obp_id, runType)).outcome]++;
    } catch (error) {
      failed.push({ obp_id, why: error instanceof Error ? error.message : String(error) });
    }
  }
  return { run_type: runType, ...counts, failed };
}
