/** The DSO's settlement of an aggregator's orders beside the figures that the aggregator computes itself. */

import { loadSettlementRows } from '@flexder/bap-dso/audit-settlement/reports/report.ts';
import type { SettlementConfig } from '@flexder/bap-dso/audit-settlement/settlement/config.ts';
import type { BapTables } from '@flexder/bap-dso/tables.ts';
import type { AggregatorTables } from '@flexder/bpp-aggregator/tables.ts';
import type { Kysely } from 'kysely';
import { type OwnFigures, ownFigures } from './aggregator-side.ts';
import { type Reconciliation, reconciliation } from './compare.ts';
import { ORDERS_OF_ONE_ANSWER } from './limits.ts';

export type Reconciled = Reconciliation & {
  readonly aggregator_id: string;
  /** Meter values that changed after the aggregator had signed their document: most often the cause of a difference. */
  readonly corrected_since: readonly (OwnFigures['correctedSince'][number] & { readonly obp_id: string })[];
};

export async function reconcile(
  dso: Kysely<BapTables>,
  aggregator: Kysely<AggregatorTables>,
  bppId: string,
  config: SettlementConfig,
): Promise<Reconciled> {
  const found = await dso
    .selectFrom('settlement_row as s')
    .innerJoin('flex_order as o', 'o.obp_id', 's.obp_id')
    .select('s.obp_id')
    .distinct()
    .where('o.bpp_id', '=', bppId)
    .limit(ORDERS_OF_ONE_ANSWER)
    .execute();
  const open = new Set(found.map(({ obp_id }) => obp_id));
  const rowsOf = (obpId: string) => loadSettlementRows(dso, { obpId });
  const both = reconciliation();
  const corrected_since: Reconciled['corrected_since'][number][] = [];
  for await (const { obpId, rows, correctedSince } of ownFigures(aggregator, bppId, config)) {
    corrected_since.push(...correctedSince.map((one) => ({ obp_id: obpId, ...one })));
    // Without meters there is nothing to settle, which both sides know.
    if (rows.length === 0 && !open.has(obpId)) continue;
    both.add(obpId, open.delete(obpId) ? await rowsOf(obpId) : undefined, rows);
  }
  for (const obpId of [...open].sort()) both.add(obpId, await rowsOf(obpId), undefined);
  return { aggregator_id: bppId, ...both.result(), corrected_since };
}
