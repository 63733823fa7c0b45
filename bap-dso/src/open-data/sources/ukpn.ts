/** UK Power Networks: Opendatasoft Explore API v2.1. */
import { z } from 'zod';
import { OpenDataError } from '../errors.ts';
import type { Reply, SourceFetch } from '../fetch.ts';
import { EXPORT_BYTES, UKPN_PAGE_ROWS, UKPN_PAGING_END } from '../limits.ts';
import { checkShape } from '../rows.ts';

export interface UkpnQuery {
  /** ODSQL. */
  readonly where?: string;
  readonly select?: string;
  readonly orderBy?: string;
}

export interface UkpnSource {
  /** Up to `most` rows, page by page; paging ends before row 10,000, so a larger `most` is refused. */
  records(
    dataset: string,
    query: UkpnQuery,
    most: number,
  ): Promise<{ rows: unknown[]; total: number; replies: Reply[] }>;
  /** All rows in one reply: no end of paging, but one bound of bytes. */
  export(dataset: string, query: UkpnQuery): Promise<{ rows: unknown[]; replies: Reply[] }>;
}

const page = z.object({ total_count: z.number().int().min(0), results: z.array(z.unknown()) });

export function ukpnSource(ask: SourceFetch): UkpnSource {
  const at = (dataset: string, what: string) => `catalog/datasets/${encodeURIComponent(dataset)}/${what}`;
  const parameters = ({ where, select, orderBy }: UkpnQuery) => ({ where, select, order_by: orderBy });
  return {
    async records(dataset, query, most) {
      if (most >= UKPN_PAGING_END) {
        throw new OpenDataError('bad-query', `paging ends before row ${UKPN_PAGING_END}: use an export for ${dataset}`);
      }
      const rows: unknown[] = [];
      const replies: Reply[] = [];
      let total = Number.POSITIVE_INFINITY;
      while (rows.length < Math.min(most, total)) {
        const limit = Math.min(UKPN_PAGE_ROWS, most - rows.length);
        const reply = await ask(at(dataset, 'records'), { ...parameters(query), limit, offset: rows.length });
        const { total_count, results } = checkShape(page, reply.body, dataset);
        replies.push(reply);
        rows.push(...results);
        total = total_count;
        if (results.length === 0) break;
      }
      return { rows, total, replies };
    },
    async export(dataset, query) {
      const reply = await ask(at(dataset, 'exports/json'), parameters(query), { maxBytes: EXPORT_BYTES });
      return { rows: checkShape(z.array(z.unknown()), reply.body, dataset), replies: [reply] };
    },
  };
}

/** An instant as ODSQL writes it. */
export function odsqlDate(ms: number): string {
  return `date'${new Date(ms).toISOString().replace('.000Z', 'Z')}'`;
}

/** A text as ODSQL writes it. */
export function odsqlText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
