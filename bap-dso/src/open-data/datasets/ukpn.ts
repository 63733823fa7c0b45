/** Data sets of UK Power Networks; members by the names of the portal. */
import { z } from 'zod';
import { HELD_ROWS, UKPN_PAGE_ROWS } from '../limits.ts';
import { odsqlDate, odsqlText } from '../sources/ukpn.ts';
import {
  type Dataset,
  dayParts,
  fetched,
  type HistoryOptions,
  latestOf,
  type Part,
  presentPart,
  UKPN_LICENCE,
} from './dataset.ts';
import { figure, instant, maybeText, text } from './fields.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const own = { source: 'ukpn', licence: UKPN_LICENCE } as const;

const constraintRow = z.object({
  timestamp: instant,
  constraint_id: text,
  constraint_description: maybeText,
  der_name: maybeText,
  present_amps_value: figure,
  trim_amps: figure,
  release_limit_amps: figure,
  utilisation_percentage: figure,
  breach_flag: z.union([z.string(), z.number(), z.boolean()]).nullish(),
});
export type ConstraintRow = z.output<typeof constraintRow>;

export const constraintReadings: Dataset<ConstraintRow> = {
  ...own,
  id: 'ukpn-constraints-real-time-meter-readings',
  title: 'Readings of network constraints, with trim and release',
  row: constraintRow,
  periodMs: 5 * MINUTE_MS,
  staleAfterMs: 15 * MINUTE_MS,
  observedStaleAfterMs: HOUR_MS,
  latest: async ({ ukpn }, nowMs) => {
    const where = `timestamp >= ${odsqlDate(nowMs - HOUR_MS)}`;
    return fetched(
      constraintRow,
      await ukpn.records(constraintReadings.id, { where, orderBy: 'timestamp desc' }, 10 * UKPN_PAGE_ROWS),
      constraintReadings.id,
    );
  },
  observedAtMs: (rows, retrievedAtMs) =>
    latestOf(
      rows.map((row) => row.timestamp),
      retrievedAtMs,
    ),
  history: timed('ukpn-constraints-real-time-meter-readings', constraintRow, 1),
};

const faultRow = z.object({
  incidentreference: text,
  powercuttype: maybeText,
  operatingzone: maybeText,
  postcodesaffected: maybeText,
  nocustomeraffected: figure,
  incidenttypename: maybeText,
  statusid: figure,
  creationdatetime: maybeText,
  receiveddate: maybeText,
  planneddate: maybeText,
  estimatedrestorationdate: maybeText,
  restoreddatetime: maybeText,
});
export type FaultRow = z.output<typeof faultRow>;

export const liveFaults: Dataset<FaultRow> = {
  ...own,
  id: 'ukpn-live-faults',
  title: 'Live faults',
  row: faultRow,
  periodMs: 5 * MINUTE_MS,
  staleAfterMs: 15 * MINUTE_MS,
  latest: async ({ ukpn }) => fetched(faultRow, await ukpn.records(liveFaults.id, {}, 1_000), liveFaults.id),
  // A list of what is so now: an empty one says that nothing is.
  observedAtMs: (_rows, retrievedAtMs) => retrievedAtMs,
  history: {
    columns: Object.keys(faultRow.shape),
    parts: presentPart,
    read: async ({ ukpn }) => fetched(faultRow, await ukpn.export(liveFaults.id, {}), liveFaults.id),
  },
};

const powerFlowRow = z.object({ timestamp: instant, tx_id: text, active_power_mw: figure, current_amps: figure });
export type PowerFlowRow = z.output<typeof powerFlowRow>;

function powerFlow(area: 'epn' | 'spn'): Dataset<PowerFlowRow> {
  const id = `ukpn-primary-transformer-power-flow-historic-half-hourly-${area}`;
  return {
    ...own,
    id,
    title: `Half-hourly power flow of primary transformers, ${area.toUpperCase()}`,
    row: powerFlowRow,
    periodMs: 6 * HOUR_MS,
    staleAfterMs: 24 * HOUR_MS,
    latest: async ({ ukpn }) =>
      fetched(powerFlowRow, await ukpn.records(id, { orderBy: 'timestamp desc' }, UKPN_PAGE_ROWS), id),
    observedAtMs: (rows, retrievedAtMs) =>
      latestOf(
        rows.map((row) => row.timestamp),
        retrievedAtMs,
      ),
    history: timed(id, powerFlowRow, 1),
  };
}
export const powerFlowEpn = powerFlow('epn');
export const powerFlowSpn = powerFlow('spn');

const gspCarbonRow = z.object({
  half_hour_period: instant,
  gsp_name: text,
  gsp_fl: maybeText,
  licence_area: maybeText,
  neso_intensity_forecast: figure,
  blended_carbon_intensity: figure,
  weighted_avg_carbon_intensity_gco2_kwh: figure,
  licence_area_average_carbon_intensity: figure,
  dno_generation_kwh: figure,
  sgt_energy_kwh: figure,
});
export type GspCarbonRow = z.output<typeof gspCarbonRow>;

export const gspCarbon: Dataset<GspCarbonRow> = {
  ...own,
  id: 'ukpn-carbon-intensity',
  title: 'Carbon intensity by grid supply point',
  row: gspCarbonRow,
  periodMs: 30 * MINUTE_MS,
  staleAfterMs: 2 * HOUR_MS,
  latest: async ({ ukpn }) =>
    fetched(
      gspCarbonRow,
      await ukpn.records(gspCarbon.id, { orderBy: 'half_hour_period desc' }, 3 * UKPN_PAGE_ROWS),
      gspCarbon.id,
    ),
  observedAtMs: (rows, retrievedAtMs) =>
    latestOf(
      rows.map((row) => row.half_hour_period),
      retrievedAtMs,
    ),
  history: timed('ukpn-carbon-intensity', gspCarbonRow, 7, 'half_hour_period'),
};

const ltdsRow = z.object({
  gridsupplypoint: maybeText,
  substation: text,
  functional_location: maybeText,
  licencearea: maybeText,
  season: maybeText,
  firm_capacity_mw: figure,
  maximum_demand_24_25_mw: figure,
  maximum_demand_24_25_pf: figure,
  minimum_load_scaling_factor: figure,
  unutilised_capacity_percent: figure,
});
export type LtdsRow = z.output<typeof ltdsRow>;

export const ltds3a: Dataset<LtdsRow> = {
  ...own,
  id: 'ltds-table-3a-load-data-observed',
  title: 'Long Term Development Statement, table 3a: observed load and firm capacity',
  row: ltdsRow,
  periodMs: 24 * HOUR_MS,
  staleAfterMs: 30 * 24 * HOUR_MS,
  latest: async (sources) => {
    const all = await ltds3a.history.read(sources, { key: 'present', fromMs: 0, toMs: 0 }, { txIds: [] });
    return { ...all, rows: all.rows.slice(0, HELD_ROWS) };
  },
  observedAtMs: (_rows, retrievedAtMs) => retrievedAtMs,
  history: {
    columns: Object.keys(ltdsRow.shape),
    parts: presentPart,
    read: async ({ ukpn }) => fetched(ltdsRow, await ukpn.export(ltds3a.id, {}), ltds3a.id),
  },
};

/** Exports between two instants: a history has more rows than paging reaches. */
function timed<Shape extends z.ZodRawShape>(id: string, row: z.ZodObject<Shape>, days: number, at = 'timestamp') {
  type Row = z.output<z.ZodObject<Shape>>;
  const history: Dataset<Row>['history'] = {
    columns: Object.keys(row.shape),
    parts: (range) => dayParts(range, days),
    read: async ({ ukpn }, part: Part, { txIds }: HistoryOptions) => {
      const when = [`${at} >= ${odsqlDate(part.fromMs)}`, `${at} < ${odsqlDate(part.toMs)}`];
      const only = txIds.length > 0 ? [`tx_id in (${txIds.map(odsqlText).join(', ')})`] : [];
      return fetched(
        row as unknown as z.ZodType<Row>,
        await ukpn.export(id, { where: [...when, ...only].join(' and '), orderBy: at }),
        id,
      );
    },
  };
  return history;
}
