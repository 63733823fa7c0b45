/** History for training: part by part into CSV files, kept as they come, joined when all are there. */

import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { WallClock } from '@flexder/runtime/clock.ts';
import type { Random } from '@flexder/runtime/random.ts';
import { type AnyDataset, day, type HistoryOptions, type Part, type Range, sha256 } from '../datasets/dataset.ts';
import { mayPass, OpenDataError } from '../errors.ts';
import { HISTORY_PARTS, HOLD_MOST_MS, PART_ATTEMPTS, PART_PAUSE_MS } from '../limits.ts';
import type { Fetched } from '../rows.ts';
import type { Sources } from '../sources/open.ts';
import { historyCsv } from './csv.ts';
import {
  type Manifest,
  ManifestError,
  type ManifestPart,
  readManifest,
  writeManifest,
  writeWhole,
} from './manifest.ts';

export interface HistoryRequest extends HistoryOptions {
  readonly dataset: AnyDataset;
  /** Whole UTC days, `[fromMs, toMs)`. */
  readonly range: Range;
  readonly dir: string;
}

export interface HistoryDeps {
  readonly sources: Sources;
  readonly wall: WallClock;
  readonly random: Random;
  /** After every part. */
  progress(done: number, of: number, rows: number): void;
  /** Before a pause. */
  pausing(why: string, ms: number): void;
}

/** Throws OpenDataError or ManifestError; what came before stays and is not fetched again. */
export async function fetchHistory(deps: HistoryDeps, request: HistoryRequest): Promise<Manifest> {
  const parts = request.dataset.history.parts(request.range);
  if (parts.length > HISTORY_PARTS) {
    throw new OpenDataError('bad-query', `${parts.length} parts are more than ${HISTORY_PARTS}: ask for fewer days`);
  }
  mkdirSync(request.dir, { recursive: true });
  let manifest = manifestFor(request);
  let rows = 0;
  for (const [index, part] of parts.entries()) {
    const known = usable(manifest, part, request.dir);
    const entry = known ?? (await readPart(deps, request, part));
    if (!known) {
      manifest = { ...manifest, parts: [...manifest.parts.filter(({ key }) => key !== part.key), entry] };
      delete manifest.joined;
      writeManifest(request.dir, manifest);
    }
    rows += entry.rows;
    deps.progress(index + 1, parts.length, rows);
  }
  manifest = { ...manifest, joined: joined(request, parts, manifest) };
  writeManifest(request.dir, manifest);
  return manifest;
}

function manifestFor({ dataset, dir, txIds }: HistoryRequest): Manifest {
  const known = readManifest(dir);
  const wanted = [...txIds].sort();
  if (known) {
    if (known.dataset === dataset.id && known.tx_ids.join() === wanted.join()) return known;
    throw new ManifestError(`${dir} holds ${known.dataset} of another selection: name another folder`);
  }
  return {
    version: 1,
    dataset: dataset.id,
    source: dataset.source,
    licence: dataset.licence.name,
    attribution: dataset.licence.attribution,
    columns: [...dataset.history.columns],
    tx_ids: wanted,
    parts: [],
  };
}

/** Of an earlier run: complete, and its file as it was written. */
function usable(manifest: Manifest, { key }: Part, dir: string): ManifestPart | undefined {
  const entry = manifest.parts.find((part) => part.key === key);
  if (!entry?.complete) return undefined;
  const path = join(dir, entry.file);
  return existsSync(path) && sha256(readFileSync(path)) === entry.sha256 ? entry : undefined;
}

async function readPart(deps: HistoryDeps, request: HistoryRequest, part: Part): Promise<ManifestPart> {
  const { dataset, dir } = request;
  const fetched = await withRetries(deps, () => dataset.history.read(deps.sources, part, request));
  const text = historyCsv(dataset.history.columns, fetched.rows as Record<string, unknown>[]);
  const file = `${part.key}.csv`;
  writeWhole(join(dir, file), text);
  return {
    key: part.key,
    file,
    url: fetched.url,
    retrieved_at: new Date(fetched.retrievedAtMs).toISOString(),
    rows: fetched.rows.length,
    sha256: sha256(text),
    reply_sha256: fetched.sha256,
    complete: part.key !== 'present' && part.toMs <= fetched.retrievedAtMs,
  };
}

async function withRetries(deps: HistoryDeps, run: () => Promise<Fetched>): Promise<Fetched> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      const pauseMs = pauseOf(deps, error, attempt);
      if (pauseMs === undefined) throw error;
      deps.pausing((error as Error).message, pauseMs);
      await deps.wall.sleep(pauseMs);
    }
  }
}

/** Undefined when another try is of no use, or not soon. */
function pauseOf({ wall, random }: HistoryDeps, error: unknown, attempt: number): number | undefined {
  if (!(error instanceof OpenDataError) || !mayPass(error.kind) || attempt >= PART_ATTEMPTS) return undefined;
  if (error.kind === 'offline') return undefined;
  const heldMs = (error.retryAtMs ?? 0) - wall.nowMs();
  if (heldMs > HOLD_MOST_MS) return undefined;
  return Math.round(Math.max(heldMs, PART_PAUSE_MS * 2 ** (attempt - 1) * random.between(0.5, 1.5)));
}

/** One file of all parts in their order, with one header line. */
function joined({ dataset, dir, range }: HistoryRequest, parts: readonly Part[], manifest: Manifest) {
  const file = `${dataset.id}.csv`;
  const path = join(dir, file);
  const building = `${path}.part`;
  rmSync(building, { force: true });
  const hash = createHash('sha256');
  let rows = 0;
  for (const [index, { key }] of parts.entries()) {
    const entry = manifest.parts.find((part) => part.key === key)!;
    const text = readFileSync(join(dir, entry.file), 'utf8');
    const kept = index === 0 ? text : text.slice(text.indexOf('\n') + 1);
    appendFileSync(building, kept);
    hash.update(kept);
    rows += entry.rows;
  }
  renameSync(building, path);
  return { file, from: day(range.fromMs), to: day(range.toMs - 1), rows, sha256: hash.digest('hex') };
}
