/** A network set from its folder: read whole, checked whole, and taken whole or not at all. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { buildNetwork } from './build.ts';
import { checkNetwork } from './checks.ts';
import { FEEDERS as FEEDERS_MOST, FILE_BYTES, SEASONS } from './limits.ts';
import type { NetworkModel } from './model.ts';
import { NetworkImportError, Problems } from './problems.ts';
import { daysOfYear, isWithin, seasonFaults } from './season.ts';
import { readTable } from './table.ts';
import {
  DERS,
  ESSENTIAL_LOADS,
  FEEDERS,
  FILES,
  GSPS,
  LINKS,
  type NetworkRows,
  RATINGS,
  SUBSTATIONS,
  TRANSFORMERS,
} from './tables.ts';

const HEAD_FILE = 'network.json';
const days = new Set(daysOfYear());
const monthDay = z.string().refine((value) => days.has(value), 'must be a day of the year as MM-DD');

const head = z.strictObject({
  version: z.literal(1),
  name: z.string().min(1).max(200),
  licence_area: z.string().min(1).max(10),
  seasons: z
    .array(z.strictObject({ season: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/), from: monthDay, to: monthDay }))
    .min(1)
    .max(SEASONS),
});
type Head = z.output<typeof head>;

/** Throws NetworkImportError with every problem, each with file, line and column. */
export function importNetwork(dir: string): NetworkModel {
  const problems = new Problems();
  const refuse = (): never => {
    throw new NetworkImportError(dir, problems.sentences());
  };
  if (!existsSync(dir) || !statSync(dir).isDirectory()) {
    throw new NetworkImportError(dir, [`${dir} is not a folder`]);
  }
  checkFiles(dir, problems);
  const top = readHead(dir, problems);
  const rows: NetworkRows = {
    gsps: readTable(dir, GSPS, problems),
    substations: readTable(dir, SUBSTATIONS, problems),
    feeders: readTable(dir, FEEDERS, problems),
    links: readTable(dir, LINKS, problems),
    ratings: readTable(dir, RATINGS, problems),
    transformers: readTable(dir, TRANSFORMERS, problems),
    ders: readTable(dir, DERS, problems),
    essentialLoads: readTable(dir, ESSENTIAL_LOADS, problems),
  };
  if (rows.feeders.length > FEEDERS_MOST)
    problems.add({ file: FEEDERS.file, text: `has ${rows.feeders.length} feeders, a service takes ${FEEDERS_MOST}` });
  // A row that was left out would make every row that names it look wrong.
  if (problems.count > 0 || !top) return refuse();
  checkNetwork(rows, top.seasons, problems);
  if (problems.count > 0) return refuse();
  const model = buildNetwork(top, rows, problems);
  return problems.count > 0 ? refuse() : model;
}

/** A misspelt file would be one that is not there. */
function checkFiles(dir: string, problems: Problems): void {
  for (const file of readdirSync(dir)) {
    if (file.endsWith('.csv') && !FILES.includes(file))
      problems.add({ file, text: `is no file of a network set; those are ${[HEAD_FILE, ...FILES].join(', ')}` });
  }
}

function readHead(dir: string, problems: Problems): Head | undefined {
  const path = join(dir, HEAD_FILE);
  const file = HEAD_FILE;
  if (!existsSync(path)) {
    problems.add({ file, text: 'is missing' });
    return undefined;
  }
  let value: unknown;
  try {
    if (statSync(path).size > FILE_BYTES) throw new Error('it is too large');
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    problems.add({ file, text: `is not JSON: ${(error as Error).message}` });
    return undefined;
  }
  const result = head.safeParse(value);
  if (!result.success) {
    for (const { path: at, message } of result.error.issues)
      problems.add({ file, ...(at.length > 0 ? { column: at.join('.') } : {}), text: message });
    return undefined;
  }
  checkSeasons(result.data, problems);
  return result.data;
}

function checkSeasons({ seasons }: Head, problems: Problems): void {
  const seen = new Set<string>();
  for (const { season } of seasons) {
    if (seen.has(season)) problems.add({ file: HEAD_FILE, column: 'seasons', text: `${season} is named twice` });
    seen.add(season);
  }
  const { gaps, overlaps } = seasonFaults(seasons);
  for (const gap of gaps) problems.add({ file: HEAD_FILE, column: 'seasons', text: `no season has ${gap}` });
  for (const overlap of overlaps) {
    const both = seasons.filter((one) => isWithin(one, overlap.slice(0, 5))).map(({ season }) => season);
    problems.add({ file: HEAD_FILE, column: 'seasons', text: `${overlap} is in ${both.join(' and ')}` });
  }
}
