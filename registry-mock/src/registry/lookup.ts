import { LOOKUP_RECORDS, LOOKUP_RECORDS_AT_MOST, TEXT_CHARS } from '../limits.ts';
import { RefusedError } from './application.ts';
import type { LookupFilter, SubscriptionRow } from './store.ts';

/** Spellings of one member that peers use in a filter. */
const SPELLINGS: Record<keyof LookupFilter['columns'], readonly string[]> = {
  subscriber_id: ['subscriber_id', 'subscriberId'],
  key_id: ['key_id', 'unique_key_id', 'ukId', 'uniqueKeyId'],
  type: ['type'],
  domain: ['domain'],
  country: ['country'],
  city: ['city'],
  status: ['status'],
};

/** Members that are no filter are ignored, as peers add their own. */
export function parseFilter(value: unknown): LookupFilter {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RefusedError(400, 'SCH_INVALID_FORMAT', 'expected a filter as a JSON object, {} for all');
  }
  const entry = value as Record<string, unknown>;
  const location = entry.location as { country?: { code?: unknown }; city?: { code?: unknown } } | undefined;
  const given: Record<string, unknown> = { country: location?.country?.code, city: location?.city?.code, ...entry };
  const columns: Record<string, string> = {};
  for (const [column, spellings] of Object.entries(SPELLINGS)) {
    const found = spellings
      .map((name) => given[name])
      .filter((candidate) => candidate !== undefined && candidate !== '');
    if (found.length === 0) continue;
    if (
      found.some(
        (candidate) => typeof candidate !== 'string' || candidate.length > TEXT_CHARS || candidate.includes('\0'),
      )
    ) {
      throw new RefusedError(400, 'SCH_INVALID_FORMAT', `${column} must be a text of at most ${TEXT_CHARS} characters`);
    }
    if (new Set(found).size > 1)
      throw new RefusedError(400, 'SCH_INVALID_FORMAT', `${spellings.join(' and ')} disagree`);
    columns[column] = found[0] as string;
  }
  const limit = Math.min(whole('limit', entry.limit, LOOKUP_RECORDS, 1), LOOKUP_RECORDS_AT_MOST);
  return { columns, limit, offset: (whole('page', entry.page, 1, 1) - 1) * limit };
}

function whole(name: string, value: unknown, absent: number, least: number): number {
  if (value === undefined) return absent;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= 1_000_000) return value;
  throw new RefusedError(400, 'SCH_INVALID_FORMAT', `${name} must be a whole number from ${least}`);
}

/** One record with every spelling that peers read. */
export function present(row: Omit<SubscriptionRow, 'type'> & { type: string }, nowMs: number): Record<string, unknown> {
  return {
    subscriber_id: row.subscriber_id,
    type: row.type,
    url: row.url,
    subscriber_url: row.url,
    domain: row.domain,
    country: row.country,
    city: row.city,
    location: { country: { code: row.country }, city: { code: row.city } },
    key_id: row.key_id,
    unique_key_id: row.key_id,
    ukId: row.key_id,
    signing_public_key: row.signing_public_key,
    encr_public_key: row.encr_public_key,
    valid_from: row.valid_from.toISOString(),
    valid_until: row.valid_until.toISOString(),
    status: row.status === 'SUBSCRIBED' && row.valid_until.getTime() <= nowMs ? 'EXPIRED' : row.status,
    created: row.created.toISOString(),
    updated: row.updated.toISOString(),
  };
}
