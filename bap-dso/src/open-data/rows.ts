/** Rows of a reply: every one of the shape that its data set has, members beyond it dropped. */
import type { z } from 'zod';
import { OpenDataError } from './errors.ts';
import type { Reply } from './fetch.ts';
import { REPLY_ROWS, TEXT_SHOWN } from './limits.ts';

/** Where rows came from: of several pages the first, and the hash over the hashes of all. */
export interface Provenance {
  readonly url: string;
  /** Wall time of the last page. */
  readonly retrievedAtMs: number;
  readonly sha256: string;
}

export interface Fetched<Row = unknown> extends Provenance {
  readonly rows: readonly Row[];
}

/** Throws OpenDataError `shape` with the row and the member. */
export function checkRows<Row>(schema: z.ZodType<Row>, rows: readonly unknown[], what: string): Row[] {
  if (rows.length > REPLY_ROWS) {
    throw new OpenDataError('too-large', `${what} has ${rows.length} rows, at most ${REPLY_ROWS} are read`);
  }
  return rows.map((row, index) => {
    const result = schema.safeParse(row);
    if (result.success) return result.data;
    throw shapeError(`${what}, row ${index + 1}`, result.error);
  });
}

export function checkShape<T>(schema: z.ZodType<T>, body: unknown, what: string): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw shapeError(what, result.error);
}

function shapeError(where: string, error: z.ZodError): OpenDataError {
  const issue = error.issues[0]!;
  const text = `${issue.path.join('.') || 'the whole'}: ${issue.message}`.slice(0, TEXT_SHOWN);
  return new OpenDataError('shape', `${where} is not as expected, ${text}`);
}

export function provenanceOf(replies: readonly Reply[], hashOf: (text: string) => string): Provenance {
  const first = replies[0]!;
  const last = replies.at(-1)!;
  const sha256 = replies.length === 1 ? first.sha256 : hashOf(replies.map((reply) => reply.sha256).join('\n'));
  return { url: first.url, retrievedAtMs: last.retrievedAtMs, sha256 };
}
