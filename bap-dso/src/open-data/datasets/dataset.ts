/** What a data set is: its rows, how often it is read, when it is stale, and how its history comes in parts. */
import { createHash } from 'node:crypto';
import type { z } from 'zod';
import type { SourceId } from '../config.ts';
import type { Reply } from '../fetch.ts';
import { checkRows, type Fetched, provenanceOf } from '../rows.ts';
import type { Sources } from '../sources/open.ts';

export interface Licence {
  readonly name: string;
  readonly attribution: string;
}

export const UKPN_LICENCE: Licence = {
  name: 'CC BY 4.0',
  attribution: 'UK Power Networks Open Data Portal, licensed under CC BY 4.0',
};
export const NESO_LICENCE: Licence = {
  name: 'NESO Open Data Licence',
  attribution: 'Supported by National Energy SO Open Data',
};
export const ELEXON_LICENCE: Licence = {
  name: 'Elexon BMRS data licence',
  attribution: 'Contains BMRS data © Elexon Limited copyright and database right',
};
export const CARBON_LICENCE: Licence = {
  name: 'CC BY 4.0',
  attribution: 'Carbon Intensity API, National Energy System Operator, licensed under CC BY 4.0',
};

/** UTC instants, `[fromMs, toMs)`. */
export interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A piece of a history that one reading fetches. */
export interface Part extends Range {
  /** Names its file. */
  readonly key: string;
}

export interface HistoryOptions {
  /** Only these transformers; only of the power flow data sets. */
  readonly txIds: readonly string[];
}

export interface Dataset<Row = never> {
  readonly id: string;
  readonly source: SourceId;
  readonly title: string;
  readonly licence: Licence;
  readonly row: z.ZodType<Row>;
  /** Between two refreshes. */
  readonly periodMs: number;
  /** Older than this since its retrieval it is stale. */
  readonly staleAfterMs: number;
  /** Older than this since it was observed it is stale too: a source may answer and say nothing new. */
  readonly observedStaleAfterMs?: number;
  /** What is held for events and forecasts, newest data first where there is an order. */
  latest(sources: Sources, nowMs: number): Promise<Fetched<Row>>;
  /** When what the rows say was so; the retrieval itself for a live list and for a forecast without an issue time. */
  observedAtMs(rows: readonly Row[], retrievedAtMs: number): number;
  readonly history: {
    /** Columns of the CSV, by the names the source gives them. */
    readonly columns: readonly string[];
    /** Pieces of a history; one piece, whatever the range, when the source keeps none. */
    parts(range: Range): Part[];
    read(sources: Sources, part: Part, options: HistoryOptions): Promise<Fetched<Row>>;
  };
}

// biome-ignore lint/suspicious/noExplicitAny: a list of data sets is one of different rows
export type AnyDataset = Dataset<any>;

export function fetched<Row>(
  row: z.ZodType<Row>,
  { rows, replies }: { readonly rows: readonly unknown[]; readonly replies: readonly Reply[] },
  what: string,
): Fetched<Row> {
  return { rows: checkRows(row, rows, what), ...provenanceOf(replies, sha256) };
}

export function sha256(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

const DAY_MS = 86_400_000;

/** Pieces of whole UTC days. */
export function dayParts({ fromMs, toMs }: Range, days: number): Part[] {
  const parts: Part[] = [];
  for (let at = fromMs; at < toMs; at += days * DAY_MS) {
    const end = Math.min(at + days * DAY_MS, toMs);
    parts.push({ key: `${day(at)}_${day(end - 1)}`, fromMs: at, toMs: end });
  }
  return parts;
}

/** The one piece of a data set that has no past: what the source holds now. */
export function presentPart({ fromMs, toMs }: Range): Part[] {
  return [{ key: 'present', fromMs, toMs }];
}

export function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** The latest of instants written as text; `fallbackMs` when there is none. */
export function latestOf(instants: readonly (string | null | undefined)[], fallbackMs: number): number {
  let latestMs = Number.NEGATIVE_INFINITY;
  for (const text of instants) {
    const ms = text ? Date.parse(text) : Number.NaN;
    if (ms > latestMs) latestMs = ms;
  }
  return Number.isFinite(latestMs) ? latestMs : fallbackMs;
}
