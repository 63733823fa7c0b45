/** NESO: CKAN action API. Resource ids rotate, so a resource is found by its package's slug and its name. */
import type { WallClock } from '@flexder/runtime/clock.ts';
import { z } from 'zod';
import { OpenDataError } from '../errors.ts';
import type { Reply, SourceFetch } from '../fetch.ts';
import { NESO_PAGE_ROWS, NESO_PAGES, NESO_RESOURCE_FRESH_MS } from '../limits.ts';
import { checkShape } from '../rows.ts';

export interface NesoResource {
  readonly slug: string;
  /** Title of the resource in its package. */
  readonly name: string;
}

export interface NesoSource {
  /** Up to `most` rows in the order of `sort`, page by page. */
  search(resource: NesoResource, query: { sort?: string }, most: number): Promise<NesoRows>;
  /** Rows of one SELECT; `sql` gets the quoted table name. */
  sql(resource: NesoResource, sql: (table: string) => string): Promise<NesoRows>;
}

export interface NesoRows {
  readonly rows: unknown[];
  readonly replies: Reply[];
}

const envelope = z.object({ success: z.literal(true), result: z.unknown() });
const records = z.object({ records: z.array(z.unknown()), total: z.number().optional() });
const packaged = z.object({
  resources: z.array(z.object({ id: z.uuid(), name: z.string().nullish(), datastore_active: z.boolean().optional() })),
});

/** @param fetchMeta one request a second @param fetchRows two a minute besides */
export function nesoSource(wall: WallClock, fetchMeta: SourceFetch, fetchRows: SourceFetch): NesoSource {
  const known = new Map<string, { id: string; atMs: number }>();

  async function resolve({ slug, name }: NesoResource): Promise<string> {
    const key = `${slug}/${name}`;
    const cached = known.get(key);
    if (cached && wall.monotonicMs() - cached.atMs < NESO_RESOURCE_FRESH_MS) return cached.id;
    const reply = await fetchMeta('package_show', { id: slug });
    const { resources } = checkShape(packaged, resultOf(reply, slug), `package ${slug}`);
    const id = pick(resources, { slug, name });
    known.set(key, { id, atMs: wall.monotonicMs() });
    return id;
  }

  /** An id that is gone has been replaced: it is looked up once more. */
  async function withId<T>(resource: NesoResource, run: (id: string) => Promise<T>): Promise<T> {
    const id = await resolve(resource);
    try {
      return await run(id);
    } catch (error) {
      if (!(error instanceof OpenDataError) || error.kind !== 'not-found') throw error;
      known.delete(`${resource.slug}/${resource.name}`);
      const renewed = await resolve(resource);
      if (renewed === id) throw error;
      return run(renewed);
    }
  }

  return {
    search: (resource, { sort }, most) =>
      withId(resource, async (id) => {
        const rows: unknown[] = [];
        const replies: Reply[] = [];
        while (rows.length < most && replies.length < NESO_PAGES) {
          const limit = Math.min(NESO_PAGE_ROWS, most - rows.length);
          const reply = await fetchRows('datastore_search', { resource_id: id, limit, offset: rows.length, sort });
          const page = checkShape(records, resultOf(reply, resource.slug), resource.slug);
          replies.push(reply);
          rows.push(...page.records);
          if (page.records.length === 0 || rows.length >= (page.total ?? 0)) break;
        }
        return { rows, replies };
      }),
    sql: (resource, sql) =>
      withId(resource, async (id) => {
        const reply = await fetchRows('datastore_search_sql', { sql: sql(`"${id}"`) });
        return { rows: checkShape(records, resultOf(reply, resource.slug), resource.slug).records, replies: [reply] };
      }),
  };
}

function resultOf(reply: Reply, what: string): unknown {
  return checkShape(envelope, reply.body, what).result;
}

type Resources = z.output<typeof packaged>['resources'];

function pick(resources: Resources, { slug, name }: NesoResource): string {
  const plain = (text: string) =>
    text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, ' ')
      .trim();
  const named = resources.filter((resource) => plain(resource.name ?? '') === plain(name));
  const served = resources.filter((resource) => resource.datastore_active);
  const found = named.length === 1 ? named[0] : named.length === 0 && served.length === 1 ? served[0] : undefined;
  if (found) return found.id;
  const names = resources.map((resource) => resource.name ?? resource.id).slice(0, 20);
  throw new OpenDataError('not-found', `package ${slug} has no single resource "${name}", but: ${names.join(', ')}`);
}
