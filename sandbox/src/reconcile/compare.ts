/** Two parties' figures of the same orders, cell by cell: they agree to the last digit, or the difference is named. */

import type { SettlementValues } from '@flexder/bap-dso/audit-settlement/settlement/rows.ts';
import { decimal, fixed, MONEY_PLACES, sum } from '@flexder/protocol/settlement/decimal.ts';
import { NAMED_DIFFERENCES } from './limits.ts';

/** What money follows from. */
const COMPARED = [
  'instructed_mwh',
  'baseline_mwh',
  'metered_mwh',
  'delivered_mwh',
  'payable_mwh',
  'performance_factor',
  'utilisation_price_gbp_per_mwh',
  'utilisation_payment_gbp',
] as const;

export interface Difference {
  readonly obp_id: string;
  readonly import_msid: string;
  readonly settlement_date: string;
  readonly settlement_period: number;
  /** `row` when one side has no row of this meter and period. */
  readonly column: (typeof COMPARED)[number] | 'row';
  readonly dso: string | null;
  readonly aggregator: string | null;
}

export interface Reconciliation {
  readonly agreed: boolean;
  /** Orders that both have. */
  readonly orders: number;
  readonly agreed_orders: number;
  readonly payment_gbp: { readonly dso: string; readonly aggregator: string; readonly difference: string };
  readonly only_dso: readonly string[];
  readonly only_aggregator: readonly string[];
  /** How many there are, and the first of them. */
  readonly difference_count: number;
  readonly differences: readonly Difference[];
}

/** Takes orders one after the other, so that no side has to be in memory as a whole. */
export function reconciliation() {
  const differences: Difference[] = [];
  const only = { dso: [] as string[], aggregator: [] as string[] };
  const paid = { dso: decimal(0), aggregator: decimal(0) };
  const counts = { orders: 0, agreed: 0, differences: 0 };

  function compare(dso: readonly SettlementValues[], aggregator: readonly SettlementValues[]): number {
    const theirs = new Map(aggregator.map((row) => [placeOf(row), row]));
    const ours = new Map(dso.map((row) => [placeOf(row), row]));
    const found = [...new Set([...ours.keys(), ...theirs.keys()])].sort().flatMap((place) => {
      return differencesOf(ours.get(place), theirs.get(place));
    });
    differences.push(...found.slice(0, NAMED_DIFFERENCES - differences.length));
    return found.length;
  }

  return {
    /** `undefined`: that side has no figures of the order. */
    add(
      obpId: string,
      dso: readonly SettlementValues[] | undefined,
      aggregator: readonly SettlementValues[] | undefined,
    ) {
      if (dso) paid.dso = paid.dso.plus(paymentOf(dso));
      if (aggregator) paid.aggregator = paid.aggregator.plus(paymentOf(aggregator));
      if (!dso || !aggregator) {
        if (dso) only.dso.push(obpId);
        if (aggregator) only.aggregator.push(obpId);
        return;
      }
      const found = compare(dso, aggregator);
      counts.orders++;
      counts.differences += found;
      if (found === 0) counts.agreed++;
    },
    result(): Reconciliation {
      const { dso, aggregator } = paid;
      return {
        agreed: counts.differences === 0 && only.dso.length === 0 && only.aggregator.length === 0,
        orders: counts.orders,
        agreed_orders: counts.agreed,
        payment_gbp: {
          dso: fixed(dso, MONEY_PLACES),
          aggregator: fixed(aggregator, MONEY_PLACES),
          difference: fixed(dso.minus(aggregator), MONEY_PLACES),
        },
        only_dso: only.dso,
        only_aggregator: only.aggregator,
        difference_count: counts.differences,
        differences,
      };
    },
  };
}

const placeOf = (row: SettlementValues) =>
  `${row.settlement_date}/${String(row.settlement_period).padStart(2, '0')}/${row.import_msid}`;

const paymentOf = (rows: readonly SettlementValues[]) =>
  sum(rows.map((row) => decimal(String(row.utilisation_payment_gbp))));

function differencesOf(dso: SettlementValues | undefined, aggregator: SettlementValues | undefined): Difference[] {
  const row = (dso ?? aggregator)!;
  const where = {
    obp_id: String(row.obp_id),
    import_msid: String(row.import_msid),
    settlement_date: String(row.settlement_date),
    settlement_period: Number(row.settlement_period),
  };
  if (!dso || !aggregator)
    return [{ ...where, column: 'row', dso: dso ? 'there' : null, aggregator: aggregator ? 'there' : null }];
  return COMPARED.filter((column) => dso[column] !== aggregator[column]).map((column) => ({
    ...where,
    column,
    dso: String(dso[column]),
    aggregator: String(aggregator[column]),
  }));
}
