/**
 * MSID pair delivered volumes of a settlement date in the shape of P0282001: MSA › MSB › MSC › MSI › MSP, as a tree and
 * as a flow file. The shape alone is modelled: nothing here is sent anywhere, and no conformance is claimed.
 *
 * Sign: export positive, import negative, delivered = metered − baseline. Volumes are MWh with 4 places, half-up, each
 * rounded from the 6 places of its settlement row.
 */
import { decimal, fixed, sum } from '@flexder/protocol/settlement/decimal.ts';
import { sha256 } from '../digest.ts';
import type { SettlementValues } from '../settlement/rows.ts';

export interface P0282Tree {
  readonly flow: 'P0282001';
  /** MSA: one settlement date. */
  readonly settlement_date: string;
  /** MSB. */
  readonly gsp_groups: readonly {
    readonly gsp_group: string;
    /** MSC. */
    readonly bm_units: readonly {
      readonly bm_unit: string;
      /** MSI. */
      readonly msid_pairs: readonly P0282Pair[];
    }[];
  }[];
  /** For who checks the file: pairs, periods, and the sum of what is published, MWh with 4 places. */
  readonly control: { readonly msid_pairs: number; readonly periods: number; readonly delivered_mwh: string };
}

export interface P0282Pair {
  readonly import_msid: string;
  readonly export_msid: string | null;
  /** MSP, 1 to 50 of them. */
  readonly periods: readonly { readonly settlement_period: number; readonly delivered_mwh: string }[];
}

/** A row that the flow has no form for; the words say what to correct. */
export class P0282Error extends Error {
  override name = 'P0282Error';
}

export const P0282_PLACES = 4;
/** decimal(14,4): ten digits before the point. */
const LARGEST_MWH = decimal(10).pow(10);
/** `bm_unit_id` of an aggregator that no unit is configured for. */
export const NO_UNIT = 'NONE';

/** @param rows of one settlement date, the newest revision of each order */
export function p0282(date: string, rows: readonly SettlementValues[]): P0282Tree {
  const pairs = onePerPeriod(rows);
  for (const row of pairs) check(row, date);
  const groups = grouped(pairs, 'gsp_group_id').map(([gspGroup, ofGroup]) => ({
    gsp_group: gspGroup,
    bm_units: grouped(ofGroup, 'bm_unit_id').map(([unit, ofUnit]) => ({
      bm_unit: unit,
      msid_pairs: grouped(ofUnit, 'import_msid').map(([, ofPair]) => pairOf(ofPair)),
    })),
  }));
  const published = groups.flatMap(({ bm_units: units }) =>
    units.flatMap(({ msid_pairs: found }) => found.flatMap(({ periods }) => periods)),
  );
  return {
    flow: 'P0282001',
    settlement_date: date,
    gsp_groups: groups,
    control: {
      msid_pairs: new Set(pairs.map((row) => row.import_msid)).size,
      periods: published.length,
      delivered_mwh: fixed(sum(published.map((one) => decimal(one.delivered_mwh))), P0282_PLACES),
    },
  };
}

/**
 * A pair has one metered volume in a period, however many orders touch it. The order that was issued first counts: its
 * baseline was computed before the pair was activated at all.
 */
function onePerPeriod(rows: readonly SettlementValues[]): SettlementValues[] {
  const first = new Map<string, SettlementValues>();
  for (const row of rows) {
    const key = `${row.import_msid}/${row.settlement_period}`;
    const known = first.get(key);
    if (!known || issued(row) < issued(known)) first.set(key, row);
  }
  return [...first.values()];
}

const issued = (row: SettlementValues) => `${new Date(String(row.issued_at)).toISOString()} ${row.obp_id}`;

function check(row: SettlementValues, date: string): void {
  const where = `order ${row.obp_id}, meter ${row.import_msid}, period ${row.settlement_period}`;
  if (row.settlement_date !== date) throw new P0282Error(`${where}: is of ${row.settlement_date}, not of ${date}`);
  if (String(row.gsp_group_id).length !== 2) throw new P0282Error(`${where}: a GSP group has 2 characters`);
  if (String(row.bm_unit_id).length > 11)
    throw new P0282Error(`${where}: ${row.bm_unit_id} is no BM unit, which has at most 11 characters`);
  for (const msid of [row.import_msid, row.export_msid])
    if (msid !== null && !/^\d{13}$/.test(String(msid)))
      throw new P0282Error(`${where}: ${msid} is no MSID (13 digits)`);
  if (decimal(String(row.delivered_mwh)).abs().gte(LARGEST_MWH))
    throw new P0282Error(`${where}: ${row.delivered_mwh} MWh does not fit decimal(14,4)`);
}

type GroupColumn = 'gsp_group_id' | 'bm_unit_id' | 'import_msid';

/** Sorted by the column. */
function grouped(rows: readonly SettlementValues[], column: GroupColumn): [string, SettlementValues[]][] {
  const groups = new Map<string, SettlementValues[]>();
  for (const row of rows) {
    const key = String(row[column]);
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

function pairOf(rows: readonly SettlementValues[]): P0282Pair {
  const periods = rows
    .map((row) => ({
      settlement_period: Number(row.settlement_period),
      delivered_mwh: fixed(decimal(String(row.delivered_mwh)), P0282_PLACES),
    }))
    .sort((a, b) => a.settlement_period - b.settlement_period);
  const exportMsid = rows[0]?.export_msid ?? null;
  return {
    import_msid: String(rows[0]?.import_msid),
    export_msid: exportMsid === null ? null : String(exportMsid),
    periods,
  };
}

/**
 * The tree as lines of `|`-separated fields, one record each. Header (AAA) and trailer (ZZZ: records between, SHA-256 of
 * their text with its line feeds) are ours.
 */
export function p0282Flow(tree: P0282Tree, from: string, writtenAt: string): string {
  const body: string[] = [`MSA|${tree.settlement_date.replaceAll('-', '')}`];
  for (const { gsp_group: group, bm_units: units } of tree.gsp_groups) {
    body.push(`MSB|${group}`);
    for (const { bm_unit: unit, msid_pairs: pairs } of units) {
      body.push(`MSC|${unit}`);
      for (const pair of pairs) {
        body.push(`MSI|${pair.import_msid}|${pair.export_msid ?? ''}`);
        for (const one of pair.periods) body.push(`MSP|${one.settlement_period}|${one.delivered_mwh}`);
      }
    }
  }
  const text = body.map((line) => `${line}\n`).join('');
  return `AAA|${tree.flow}|${from}|${writtenAt}\n${text}ZZZ|${body.length}|${sha256(text)}\n`;
}

/** How many pairs stand under no BM unit: a real flow could not carry them. */
export function pairsWithoutUnit(tree: P0282Tree): number {
  return tree.gsp_groups
    .flatMap(({ bm_units: units }) => units)
    .filter(({ bm_unit: unit }) => unit === NO_UNIT)
    .reduce((count, { msid_pairs: pairs }) => count + pairs.length, 0);
}
