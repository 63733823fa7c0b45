/** What no row says of itself: that names exist, once, and that the whole is a network. */
import { groupBy } from './group.ts';
import { checkLinks } from './links.ts';
import { checkPositions } from './positions.ts';
import type { Problems } from './problems.ts';
import type { Season } from './season.ts';
import {
  DERS,
  ESSENTIAL_LOADS,
  FEEDERS,
  GSPS,
  LINKS,
  type NetworkRows,
  RATINGS,
  SUBSTATIONS,
  TRANSFORMERS,
} from './tables.ts';

export function checkNetwork(rows: NetworkRows, seasons: readonly Season[], problems: Problems): void {
  const feeders = new Set(rows.feeders.map((row) => row.feeder_id));
  const gsps = new Set(rows.gsps.map((row) => row.gsp_id));
  checkNames(rows, problems);
  checkLinks(rows, feeders, gsps, problems);
  checkRatings(rows, feeders, seasons, problems);
  for (const { feeder_id, line } of rows.transformers) known(feeders, TRANSFORMERS.file, line, feeder_id, problems);
  for (const { feeder_id, line } of rows.essentialLoads)
    known(feeders, ESSENTIAL_LOADS.file, line, feeder_id, problems);
  checkDers(rows, feeders, gsps, problems);
  checkSubstations(rows, problems);
  checkPositions(rows, problems);
}

function checkSubstations({ substations, feeders }: NetworkRows, problems: Problems): void {
  const known = new Set(substations.map((row) => row.substation_id));
  for (const { substation_id, line } of feeders) {
    if (substation_id === null || known.has(substation_id)) continue;
    const text = `${substation_id} is no substation of ${SUBSTATIONS.file}`;
    problems.add({ file: FEEDERS.file, line, column: 'substation_id', text });
  }
}

function known(
  feeders: ReadonlySet<string>,
  file: string,
  line: number,
  feederId: string,
  problems: Problems,
): boolean {
  if (feeders.has(feederId)) return true;
  problems.add({ file, line, column: 'feeder_id', text: `${feederId} is no feeder of ${FEEDERS.file}` });
  return false;
}

/** Places and assets share one space of names: a link or an offer names any of them. */
function checkNames(
  { gsps, substations, feeders, transformers, ders, essentialLoads }: NetworkRows,
  problems: Problems,
): void {
  const places = new Map<string, string>();
  const once = (seen: Map<string, string>, file: string, column: string, line: number, name: string | null) => {
    if (name === null) return;
    const before = seen.get(name);
    if (before) problems.add({ file, line, column, text: `${name} stands in ${before} already` });
    else seen.set(name, `${file} line ${line}`);
  };
  for (const { gsp_id, line } of gsps) once(places, GSPS.file, 'gsp_id', line, gsp_id);
  for (const { substation_id, line } of substations)
    once(places, SUBSTATIONS.file, 'substation_id', line, substation_id);
  for (const { feeder_id, line } of feeders) once(places, FEEDERS.file, 'feeder_id', line, feeder_id);
  for (const row of transformers) once(places, TRANSFORMERS.file, 'transformer_id', row.line, row.transformer_id);
  const derIds = new Map<string, string>();
  const msids = new Map<string, string>();
  for (const { der_id, msid, export_msid, line } of ders) {
    once(derIds, DERS.file, 'der_id', line, der_id);
    once(msids, DERS.file, 'msid', line, msid);
    once(msids, DERS.file, 'export_msid', line, export_msid);
  }
  const loads = new Map<string, string>();
  for (const { load_id, msid, line } of essentialLoads) {
    once(loads, ESSENTIAL_LOADS.file, 'load_id', line, load_id);
    once(loads, ESSENTIAL_LOADS.file, 'msid', line, msid);
  }
}

function checkRatings(
  { feeders, transformers, ratings }: NetworkRows,
  feederIds: ReadonlySet<string>,
  seasons: readonly Season[],
  problems: Problems,
): void {
  const file = RATINGS.file;
  const names = new Set(seasons.map(({ season }) => season));
  const transformerIds = new Set(transformers.map((row) => row.transformer_id));
  const rated = new Map<string, Set<string>>();
  for (const { asset_id, season, line } of ratings) {
    if (!feederIds.has(asset_id) && !transformerIds.has(asset_id))
      problems.add({ file, line, column: 'asset_id', text: `${asset_id} is neither a feeder nor a transformer` });
    if (!names.has(season))
      problems.add({ file, line, column: 'season', text: `${season} is no season of network.json` });
    const of = rated.get(asset_id) ?? new Set();
    if (of.has(season)) problems.add({ file, line, text: `${asset_id} has two ratings for ${season}` });
    rated.set(asset_id, of.add(season));
  }
  const missing = (name: string, file: string, line: number, column: string) => {
    const gaps = [...names].filter((season) => !rated.get(name)?.has(season));
    if (gaps.length > 0)
      problems.add({ file, line, column, text: `${name} has no rating for ${gaps.join(', ')} (${RATINGS.file})` });
  };
  for (const row of feeders) missing(row.feeder_id, FEEDERS.file, row.line, 'feeder_id');
  for (const row of transformers) missing(row.transformer_id, TRANSFORMERS.file, row.line, 'transformer_id');
}

function checkDers(
  { ders, links }: NetworkRows,
  feeders: ReadonlySet<string>,
  gsps: ReadonlySet<string>,
  problems: Problems,
): void {
  const upstream = new Map<string, ReadonlySet<string>>();
  const before = groupBy(links, (link) => link.to_id);
  for (const { feeder_id, gsp_id, line } of ders) {
    if (!gsps.has(gsp_id))
      problems.add({ file: DERS.file, line, column: 'gsp_id', text: `${gsp_id} is no GSP of ${GSPS.file}` });
    else if (known(feeders, DERS.file, line, feeder_id, problems)) {
      const above = upstream.get(feeder_id) ?? ancestors(feeder_id, before);
      upstream.set(feeder_id, above);
      if (!above.has(gsp_id)) {
        const text = `${gsp_id} does not feed ${feeder_id}, where the device is (${LINKS.file})`;
        problems.add({ file: DERS.file, line, column: 'gsp_id', text });
      }
    }
  }
}

function ancestors(id: string, before: ReadonlyMap<string, readonly { readonly from_id: string }[]>): Set<string> {
  const found = new Set<string>();
  const open = [id];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const { from_id } of before.get(next) ?? []) {
      if (!found.has(from_id)) open.push(from_id);
      found.add(from_id);
    }
  }
  return found;
}
