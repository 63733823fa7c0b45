/** The files of a network set and their columns; docs/network-model.md describes them for those who write them. */
import { DEVICE_TYPES } from '@flexder/protocol/flexibility/model.ts';
import { id, kw, list, msid, number, oneOf, optional, text } from './columns.ts';
import type { Row, Table } from './table.ts';

/** `_A` to `_P` without `_I` and `_O`. */
const GSP_GROUPS = [...'ABCDEFGHJKLMNP'].map((letter) => `_${letter}`);

/** WGS 84, decimal degrees; of a place both or none. */
const position = {
  latitude: optional(number(-90, 90, 'from'), null),
  longitude: optional(number(-180, 180, 'from'), null),
};

const columns = {
  gsps: { gsp_id: id, name: text, gsp_group_id: oneOf(GSP_GROUPS), ...position },
  substations: { substation_id: id, name: text, ...position },
  feeders: {
    feeder_id: id,
    name: text,
    /** Which rating is the limit: of the intact network, or of the one with a transformer out. */
    limit_basis: oneOf(['normal', 'firm']),
    release_share: optional(number(0, 1, 'above'), 0.95),
    /** Load that neighbours can take over after an outage. */
    transfer_kw: optional(number(0, 1_000_000, 'from'), 0),
    /** Flow back through the feeder beyond which generation would have to be curtailed. */
    export_limit_kw: optional(kw, null),
    postcodes: list,
    operating_zone: optional(text, null),
    constraint_ids: list,
    /** The primary whose busbar it leaves. */
    substation_id: optional(id, null),
    ...position,
  },
  links: { from_id: id, to_id: id, share: number(0, 1, 'above') },
  ratings: { asset_id: id, season: id, rating_kw: kw },
  transformers: { transformer_id: id, feeder_id: id, name: text },
  ders: {
    der_id: id,
    msid,
    export_msid: optional(msid, null),
    feeder_id: id,
    gsp_id: id,
    rated_kw: kw,
    aggregator_id: optional(id, null),
    der_type: optional(oneOf(DEVICE_TYPES), null),
  },
  essential_loads: { load_id: id, msid, feeder_id: id, kind: text, peak_kw: kw },
} as const;

export const GSPS = { file: 'gsps.csv', columns: columns.gsps } satisfies Table<typeof columns.gsps>;
export const SUBSTATIONS = { file: 'substations.csv', columns: columns.substations, optional: true } satisfies Table<
  typeof columns.substations
>;
export const FEEDERS = { file: 'feeders.csv', columns: columns.feeders } satisfies Table<typeof columns.feeders>;
export const LINKS = { file: 'links.csv', columns: columns.links } satisfies Table<typeof columns.links>;
export const RATINGS = { file: 'ratings.csv', columns: columns.ratings } satisfies Table<typeof columns.ratings>;
export const TRANSFORMERS = { file: 'transformers.csv', columns: columns.transformers, optional: true } satisfies Table<
  typeof columns.transformers
>;
export const DERS = { file: 'ders.csv', columns: columns.ders, optional: true } satisfies Table<typeof columns.ders>;
export const ESSENTIAL_LOADS = {
  file: 'essential_loads.csv',
  columns: columns.essential_loads,
  optional: true,
} satisfies Table<typeof columns.essential_loads>;

export const FILES: readonly string[] = [
  ...[GSPS, SUBSTATIONS, FEEDERS, LINKS, RATINGS],
  ...[TRANSFORMERS, DERS, ESSENTIAL_LOADS],
].map(({ file }) => file);

export interface NetworkRows {
  readonly gsps: readonly Row<typeof columns.gsps>[];
  readonly substations: readonly Row<typeof columns.substations>[];
  readonly feeders: readonly Row<typeof columns.feeders>[];
  readonly links: readonly Row<typeof columns.links>[];
  readonly ratings: readonly Row<typeof columns.ratings>[];
  readonly transformers: readonly Row<typeof columns.transformers>[];
  readonly ders: readonly Row<typeof columns.ders>[];
  readonly essentialLoads: readonly Row<typeof columns.essential_loads>[];
}
