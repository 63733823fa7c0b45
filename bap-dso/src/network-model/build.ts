/** From checked rows to the model: ratings by season, with all transformers and with the largest one out. */
import { groupBy } from './group.ts';
import type { NetworkDer, NetworkFeeder, NetworkModel, NetworkPlace, SeasonRating } from './model.ts';
import { positionOf } from './positions.ts';
import type { Problems } from './problems.ts';
import type { Season } from './season.ts';
import { FEEDERS, type NetworkRows } from './tables.ts';

interface Head {
  readonly name: string;
  readonly licence_area: string;
  readonly seasons: readonly Season[];
}

type FeederRow = NetworkRows['feeders'][number];

export function buildNetwork(head: Head, rows: NetworkRows, problems: Problems): NetworkModel {
  const ratingOf = new Map(rows.ratings.map((row) => [`${row.asset_id} ${row.season}`, row.rating_kw]));
  const transformers = groupBy(rows.transformers, (row) => row.feeder_id);
  const essential = new Set(rows.essentialLoads.map((row) => row.msid));
  const feeders = rows.feeders.map((row): NetworkFeeder => {
    const transformerIds = (transformers.get(row.feeder_id) ?? []).map((one) => one.transformer_id);
    const ratings = head.seasons.map((season) => ratingIn(season, row, transformerIds, ratingOf));
    checkLimits(row, ratings, problems);
    const loads = rows.essentialLoads.filter((load) => load.feeder_id === row.feeder_id);
    return {
      feederId: row.feeder_id,
      name: row.name,
      releaseShare: row.release_share,
      exportLimitKw: row.export_limit_kw,
      limitBasis: row.limit_basis,
      ratings,
      transformerIds,
      gspGroupId: gspGroupOf(row.feeder_id, rows),
      place: { postcodes: row.postcodes, operatingZone: row.operating_zone, constraintIds: row.constraint_ids },
      essentialLoads: { count: loads.length, peakKw: loads.reduce((sum, load) => sum + load.peak_kw, 0) },
      substationId: row.substation_id,
      position: positionOf(row),
    };
  });
  return {
    name: head.name,
    licenceArea: head.licence_area,
    gsps: new Map(rows.gsps.map((row) => [row.gsp_id, row.gsp_group_id])),
    places: placesOf(rows),
    feeders: new Map(feeders.map((feeder) => [feeder.feederId, feeder])),
    links: rows.links.map(({ from_id, to_id, share }) => ({ fromId: from_id, toId: to_id, share })),
    ders: rows.ders.map(
      (row): NetworkDer => ({
        derId: row.der_id,
        msid: row.msid,
        exportMsid: row.export_msid,
        feederId: row.feeder_id,
        gspId: row.gsp_id,
        ratedKw: row.rated_kw,
        aggregatorId: row.aggregator_id,
        type: row.der_type,
        essential: essential.has(row.msid),
      }),
    ),
  };
}

function placesOf({ gsps, substations }: NetworkRows): NetworkPlace[] {
  return [
    ...gsps.map((row) => ({ placeId: row.gsp_id, kind: 'gsp' as const, name: row.name, position: positionOf(row) })),
    ...substations.map((row) => ({
      ...{ placeId: row.substation_id, kind: 'substation' as const },
      ...{ name: row.name, position: positionOf(row) },
    })),
  ];
}

function ratingIn(
  season: Season,
  row: FeederRow,
  transformerIds: readonly string[],
  ratingOf: ReadonlyMap<string, number>,
): SeasonRating {
  const own = ratingOf.get(`${row.feeder_id} ${season.season}`)!;
  const each = transformerIds.map((id) => ratingOf.get(`${id} ${season.season}`)!);
  const all = each.reduce((sum, kw) => sum + kw, 0);
  const none = each.length === 0;
  const normalKw = none ? own : Math.min(own, all);
  const firmKw = none ? null : Math.min(own, all - Math.max(...each) + row.transfer_kw);
  const limitKw = row.limit_basis === 'firm' ? (firmKw ?? 0) : normalKw;
  return { ...season, normalKw, firmKw, limitKw };
}

function checkLimits(row: FeederRow, ratings: readonly SeasonRating[], problems: Problems): void {
  const worst = ratings.find(({ limitKw }) => limitKw <= 0);
  if (!worst) return;
  const why = worst.firmKw === null ? 'no transformer is known' : 'nothing is left with its one transformer out';
  problems.add({
    file: FEEDERS.file,
    line: row.line,
    column: 'limit_basis',
    text: `${row.feeder_id} has no firm rating in ${worst.season}: ${why}; add transformers or transfer_kw, or set normal`,
  });
}

/** Upwards along the largest share, until a GSP is met. */
function gspGroupOf(feederId: string, { gsps, links }: NetworkRows): string {
  let at = feederId;
  for (let steps = 0; steps <= links.length; steps++) {
    const gsp = gsps.find((row) => row.gsp_id === at);
    if (gsp) return gsp.gsp_group_id;
    const [largest] = links.filter((link) => link.to_id === at).sort((a, b) => b.share - a.share);
    if (!largest) break;
    at = largest.from_id;
  }
  throw new Error(`no GSP feeds ${feederId}`);
}
