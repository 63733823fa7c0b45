import { join, resolve } from 'node:path';
import { baseUrlProblem, openDataConfig, SOURCES, type SourceId } from '@flexder/bap-dso/open-data/config.ts';
import { DATASETS } from '@flexder/bap-dso/open-data/datasets/all.ts';
import type { AnyDataset, Range } from '@flexder/bap-dso/open-data/datasets/dataset.ts';
import { OpenDataError } from '@flexder/bap-dso/open-data/errors.ts';
import { fetchHistory } from '@flexder/bap-dso/open-data/history/fetch-history.ts';
import { ManifestError } from '@flexder/bap-dso/open-data/history/manifest.ts';
import { HISTORY_TX_IDS } from '@flexder/bap-dso/open-data/limits.ts';
import { openSources } from '@flexder/bap-dso/open-data/sources/open.ts';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import { systemIds } from '@flexder/runtime/context.ts';
import { createOutbound } from '@flexder/runtime/http/safe-outbound.ts';
import { seededRandom } from '@flexder/runtime/random.ts';
import { type Command, print, required, say, text, UsageError, type Values } from '../command.ts';

const DAY_MS = 86_400_000;
/** What is fetched when no data set is named: the history that a forecast or a settlement is tried on. */
const USUAL: Readonly<Record<SourceId, string>> = {
  ukpn: 'ukpn-primary-transformer-power-flow-historic-half-hourly-spn',
  neso: 'neso-demand-data-update',
  elexon: 'elexon-system-prices',
  carbon: 'carbon-intensity-national',
};

const command: Command = {
  summary: 'Brings open data as CSV with a manifest; goes on where it was interrupted',
  arguments: 'fetch --source ukpn|neso|elexon|carbon | list',
  options: {
    source: { type: 'string', value: 'NAME', help: 'ukpn, neso, elexon or carbon' },
    dataset: { type: 'string', value: 'ID', help: 'one of `flexder data list` (the usual one of the source)' },
    from: { type: 'string', value: 'DATE', help: 'first day, YYYY-MM-DD in UTC (30 days before --to)' },
    to: { type: 'string', value: 'DATE', help: 'last day (yesterday)' },
    out: { type: 'string', value: 'DIR', help: 'where a folder of the data set is made (open-data)' },
    'tx-id': { type: 'string', value: 'ID', multiple: true, help: 'power flow: only this transformer; repeatable' },
    'base-url': {
      type: 'string',
      value: 'URL',
      help: 'another address of the source: a mirror, or http on this machine',
    },
  },
  async run(values, [verb, ...more]) {
    if (more.length > 0 || (verb !== 'fetch' && verb !== 'list')) {
      throw new UsageError('say what to do with open data: `flexder data fetch` or `flexder data list`');
    }
    if (verb === 'list') return list();
    return fetch(values);
  },
};
export default command;

function list(): number {
  for (const { id, source, title, licence } of DATASETS)
    print(`${source.padEnd(7)} ${id}\n        ${title} (${licence.name})`);
  return 0;
}

async function fetch(values: Values): Promise<number> {
  const source = sourceOf(values);
  const dataset = datasetOf(values, source);
  const txIds = txIdsOf(values, dataset);
  const range = rangeOf(values);
  const dir = resolve(text(values, 'out') ?? 'open-data', dataset.id);
  const wall = systemWallClock();
  const http = createOutbound({ wall });
  try {
    const sources = openSources({ http, wall }, addressesOf(values, source));
    const random = seededRandom(systemIds().uuid());
    const manifest = await fetchHistory(
      {
        sources,
        wall,
        random,
        progress: (done, of, rows) => say(`${dataset.id}: part ${done} of ${of}, ${rows} rows`),
        pausing: (why, ms) => say(`${why}; trying again in ${Math.ceil(ms / 1_000)} s`),
      },
      { dataset, range, dir, txIds },
    );
    const { file, rows, sha256 } = manifest.joined!;
    print(JSON.stringify({ dataset: dataset.id, file: join(dir, file), rows, sha256 }));
    say(dataset.licence.attribution);
    return 0;
  } catch (error) {
    if (error instanceof ManifestError) throw new UsageError(error.message);
    if (!(error instanceof OpenDataError)) throw error;
    say(`flexder: ${error.message}`);
    say(hintOf(error, dir));
    return 1;
  } finally {
    await http.close();
  }
}

function hintOf({ kind }: OpenDataError, dir: string): string {
  const kept = `What came is kept in ${dir}: the same command goes on from there.`;
  if (kind === 'offline' || kind === 'timeout') return `There is no network to the source, or it is away. ${kept}`;
  if (kind === 'forbidden')
    return 'Set FLEXDER_OPEN_DATA_UKPN_KEY or FLEXDER_OPEN_DATA_UKPN_KEY_FILE to a key of the portal.';
  return kept;
}

function sourceOf(values: Values): SourceId {
  const asked = required(values, 'source');
  const source = SOURCES.find((one) => one === asked);
  if (!source) throw new UsageError(`--source must be one of ${SOURCES.join(', ')}, not ${JSON.stringify(asked)}`);
  return source;
}

function datasetOf(values: Values, source: SourceId): AnyDataset {
  const asked = text(values, 'dataset') ?? USUAL[source];
  const dataset = DATASETS.find(({ id }) => id === asked);
  if (dataset?.source === source) return dataset;
  const known = DATASETS.filter((one) => one.source === source).map(({ id }) => id);
  throw new UsageError(`${source} has no data set ${JSON.stringify(asked)}: name one of ${known.join(', ')}`);
}

function txIdsOf(values: Values, dataset: AnyDataset): string[] {
  const ids = [values['tx-id'] ?? []].flat().map(String);
  if (ids.length > 0 && !dataset.history.columns.includes('tx_id')) {
    throw new UsageError(`--tx-id belongs to the power flow data sets, not to ${dataset.id}`);
  }
  if (ids.length > HISTORY_TX_IDS) throw new UsageError(`--tx-id may be given ${HISTORY_TX_IDS} times`);
  return ids;
}

function rangeOf(values: Values): Range {
  const lastMs = dayOf(values, 'to') ?? Math.floor(Date.now() / DAY_MS - 1) * DAY_MS;
  const fromMs = dayOf(values, 'from') ?? lastMs - 29 * DAY_MS;
  if (fromMs > lastMs) throw new UsageError('--from is after --to');
  return { fromMs, toMs: lastMs + DAY_MS };
}

function dayOf(values: Values, name: string): number | undefined {
  const value = text(values, name);
  if (value === undefined) return undefined;
  const ms = Date.parse(`${value}T00:00:00Z`);
  if (/^\d{4}-\d\d-\d\d$/.test(value) && Number.isFinite(ms) && new Date(ms).toISOString().startsWith(value)) return ms;
  throw new UsageError(`--${name} must be a date YYYY-MM-DD, not ${JSON.stringify(value)}`);
}

function addressesOf(values: Values, source: SourceId) {
  const problems: string[] = [];
  const { baseUrls, ukpnKey } = openDataConfig(process.env, 'sandbox', problems);
  if (problems.length > 0) throw new UsageError(problems.join('; '));
  const baseUrl = text(values, 'base-url');
  if (baseUrl === undefined) return { baseUrls, ukpnKey };
  const problem = baseUrlProblem(baseUrl, 'sandbox');
  if (problem) throw new UsageError(`--base-url ${problem}`);
  return { baseUrls: { ...baseUrls, [source]: baseUrl }, ukpnKey };
}
