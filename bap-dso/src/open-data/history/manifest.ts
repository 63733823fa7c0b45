/** What a folder of history holds: written after every part, so that an interrupted fetch goes on where it was. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { HISTORY_PARTS } from '../limits.ts';

const part = z.object({
  key: z.string(),
  file: z.string().regex(/^[A-Za-z0-9._-]+$/),
  url: z.string(),
  retrieved_at: z.string(),
  rows: z.number().int().min(0),
  /** Of the CSV file. */
  sha256: z.string(),
  /** Of the reply it was made from. */
  reply_sha256: z.string(),
  /** False for a part whose end had not come: it is read again. */
  complete: z.boolean(),
});

const manifest = z.object({
  version: z.literal(1),
  dataset: z.string(),
  source: z.string(),
  licence: z.string(),
  attribution: z.string(),
  columns: z.array(z.string()),
  tx_ids: z.array(z.string()),
  parts: z.array(part).max(HISTORY_PARTS),
  /** The parts of the last range asked for, joined; absent while some are missing. */
  joined: z
    .object({ file: z.string(), from: z.string(), to: z.string(), rows: z.number(), sha256: z.string() })
    .optional(),
});

export type ManifestPart = z.output<typeof part>;
export type Manifest = z.output<typeof manifest>;

export const MANIFEST_FILE = 'manifest.json';

/** It is not one of ours, or damaged: nothing is written over it. */
export class ManifestError extends Error {
  override name = 'ManifestError';
}

export function readManifest(dir: string): Manifest | undefined {
  const path = join(dir, MANIFEST_FILE);
  if (!existsSync(path)) return undefined;
  try {
    return manifest.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    throw new ManifestError(`${path} is not a manifest of this command: name another folder, or remove it`);
  }
}

export function writeManifest(dir: string, value: Manifest): void {
  writeWhole(join(dir, MANIFEST_FILE), `${JSON.stringify(value, null, 2)}\n`);
}

/** A reader finds the file as it was or as it is, never half of it. */
export function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.part`, text);
  renameSync(`${path}.part`, path);
}
