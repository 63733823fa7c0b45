import type { SubscriberType } from '@flexder/protocol/beckn/actions.ts';
import type { SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { LRUCache } from 'lru-cache';
import type { Context } from '../../context.ts';
import {
  KEY_ENTRIES,
  KEY_FORCED_MS,
  KEY_FRESH_MS,
  KEY_NEGATIVE_MS,
  KEY_REFRESH_MS,
  KEY_STALE_MS,
  KNOWN_LOOKUPS_AT_ONCE,
  KNOWN_LOOKUPS_PER_S,
  LIST_ENTRIES,
  LIST_FRESH_MS,
  LIST_RECORDS,
  RECORDS_PER_SUBSCRIBER,
  UNKNOWN_LOOKUPS_AT_ONCE,
  UNKNOWN_LOOKUPS_PER_S,
} from '../limits.ts';
import { createTokenBucket } from '../token-bucket.ts';
import type { SubscriberRecord } from '../types.ts';
import { currentRecord, parseSubscriberRecord } from './record.ts';
import { registryTransport } from './transport.ts';

/** The registry cannot be asked now, and what is known is not enough. */
export class RegistryUnavailableError extends Error {
  override name = 'RegistryUnavailableError';
}
/** Not asked, because too many senders unknown to us ask for it. */
export class RegistryRateError extends RegistryUnavailableError {
  override name = 'RegistryRateError';
}

export interface ListFilter {
  readonly type: SubscriberType;
  readonly domain: string;
  readonly city: string;
}

/** The registry as a participant sees it: cached, bounded, and checked to answer what was asked. */
export interface RegistryClient {
  /**
   * All records (keys) of a subscriber; empty when the registry has none. `fresh` asks again unless the answer at hand
   * is younger than a second or was that there is none, `now` always. Throws RegistryUnavailableError.
   */
  records(
    subscriberId: string,
    options?: { fresh?: boolean | 'now'; keyId?: string },
  ): Promise<readonly SubscriberRecord[]>;
  /** The record in force. */
  lookup(subscriberId: string): Promise<SubscriberRecord | undefined>;
  /** The record in force if it is cached: never waits, so it may be used inside a transaction. */
  peek(subscriberId: string): SubscriberRecord | undefined;
  /** Subscribed participants of a domain and city, one record each, sorted by id. */
  list(filter: ListFilter): Promise<SubscriberRecord[]>;
  /** The registry's own record, which carries its encryption key. */
  registry(): Promise<SubscriberRecord>;
  /** How the last question to it went. */
  health(): { readonly ok: boolean; readonly detail: string };
}

interface Entry {
  readonly records: readonly SubscriberRecord[];
  readonly fetchedMs: number;
}

export function createRegistryClient(
  context: Pick<Context, 'http' | 'wall' | 'log' | 'metrics'>,
  registryUrl: string,
  profile: 'strict' | 'sandbox',
): RegistryClient {
  const { wall, metrics, log } = context;
  const transport = registryTransport(context.http, registryUrl, profile);
  const entries = new LRUCache<string, Entry>({ max: KEY_ENTRIES });
  const missing = new LRUCache<string, number>({ max: KEY_ENTRIES });
  const lists = new LRUCache<string, { records: SubscriberRecord[]; fetchedMs: number }>({ max: LIST_ENTRIES });
  const flights = new Map<string, Promise<unknown>>();
  const unknownBucket = createTokenBucket(UNKNOWN_LOOKUPS_AT_ONCE, UNKNOWN_LOOKUPS_PER_S, wall.monotonicMs);
  const knownBucket = createTokenBucket(KNOWN_LOOKUPS_AT_ONCE, KNOWN_LOOKUPS_PER_S, wall.monotonicMs);

  let last: { ok: boolean; detail: string; atMs: number } | undefined;
  const asked = (ok: boolean, detail: string) => {
    last = { ok, detail, atMs: wall.monotonicMs() };
  };

  async function ask(filter: Record<string, unknown>): Promise<SubscriberRecord[]> {
    metrics.count('registry_lookups');
    let failure: string;
    try {
      const { status, data } = await transport.post<string>('/lookup', JSON.stringify(filter));
      const parsed: unknown = status === 200 ? JSON.parse(data) : undefined;
      if (Array.isArray(parsed)) {
        asked(true, 'answered');
        return parsed.slice(0, LIST_RECORDS).flatMap((entry) => parseSubscriberRecord(entry) ?? []);
      }
      failure = `the registry answered ${status} with something else than a list`;
    } catch (error) {
      failure = `the registry cannot be reached: ${(error as Error).message}`;
    }
    asked(false, failure);
    metrics.count('registry_failures');
    log.warn({ failure }, 'registry lookup failed');
    throw new RegistryUnavailableError(failure);
  }

  function once<T>(key: string, work: () => Promise<T>): Promise<T> {
    const flight = flights.get(key) as Promise<T> | undefined;
    if (flight) return flight;
    const started = work().finally(() => flights.delete(key));
    flights.set(key, started);
    return started;
  }

  const fetchRecords = (id: string, known: boolean): Promise<readonly SubscriberRecord[]> =>
    once(`id ${id}`, async () => {
      if (!(known ? knownBucket : unknownBucket).take()) {
        metrics.count('registry_lookups_refused');
        throw new RegistryRateError('too many registry lookups; try again in a second');
      }
      const answer = await ask({ subscriber_id: id });
      // A registry, or who speaks for it, must answer about the subscriber asked for and no other.
      const records = answer.filter((record) => record.subscriberId === id).slice(0, RECORDS_PER_SUBSCRIBER);
      if (records.length < answer.length)
        metrics.count('registry_answers_rejected', {}, answer.length - records.length);
      if (records.length > 0) {
        entries.set(id, { records, fetchedMs: wall.monotonicMs() });
        missing.delete(id);
      } else {
        entries.delete(id);
        missing.set(id, wall.monotonicMs());
      }
      return records;
    });

  async function records(id: string, { fresh = false, keyId }: { fresh?: boolean | 'now'; keyId?: string } = {}) {
    const nowMs = wall.monotonicMs();
    const entry = entries.get(id);
    if (!entry) {
      // Asked of our own accord, as after subscribing: no stranger's message makes us do so.
      if (fresh === 'now') return fetchRecords(id, true);
      if (nowMs - (missing.get(id) ?? Number.NEGATIVE_INFINITY) < KEY_NEGATIVE_MS) return [];
      return fetchRecords(id, false);
    }
    const ageMs = nowMs - entry.fetchedMs;
    const keyUnknown = keyId !== undefined && !entry.records.some((record) => record.keyId === keyId);
    const missKey = `${id}|${keyId}`;
    const askForKey = keyUnknown && nowMs - (missing.get(missKey) ?? Number.NEGATIVE_INFINITY) >= KEY_NEGATIVE_MS;
    if (askForKey) missing.set(missKey, nowMs);
    const forced = fresh === 'now' || (fresh && ageMs >= KEY_FORCED_MS);
    if (forced || askForKey || ageMs > KEY_REFRESH_MS) {
      try {
        // A key nobody knows may be an invented one: it draws on the bucket of the unknown.
        return await fetchRecords(id, !askForKey);
      } catch (error) {
        if (askForKey && error instanceof RegistryRateError) throw error;
        if (ageMs > KEY_STALE_MS) throw error;
        // Stale while error: who was known stays known while the registry is away for a short time.
        return entry.records;
      }
    }
    if (ageMs > KEY_FRESH_MS) void fetchRecords(id, true).catch(() => {});
    return entry.records;
  }

  return {
    records,
    async lookup(id) {
      return currentRecord(await records(id), wall.nowMs());
    },
    peek(id) {
      const entry = entries.get(id);
      return entry && currentRecord(entry.records, wall.nowMs());
    },
    async list(filter) {
      const key = JSON.stringify([filter.type, filter.domain, filter.city]);
      const cached = lists.get(key);
      if (cached && wall.monotonicMs() - cached.fetchedMs < LIST_FRESH_MS) return cached.records;
      try {
        return await once(`list ${key}`, async () => {
          if (!knownBucket.take()) throw new RegistryRateError('too many registry lookups; try again in a second');
          const { type, domain, city } = filter;
          const answer = await ask({ type, domain, city, status: 'SUBSCRIBED', limit: LIST_RECORDS });
          const found = onePerSubscriber(
            answer.filter((r) => r.type === type && r.domain === domain && (r.city === city || r.city === '*')),
            wall.nowMs(),
          );
          lists.set(key, { records: found, fetchedMs: wall.monotonicMs() });
          return found;
        });
      } catch (error) {
        if (cached) return cached.records;
        throw error;
      }
    },
    health() {
      if (!last) return { ok: true, detail: 'not asked yet' };
      return { ok: last.ok, detail: `${last.detail}, ${Math.round((wall.monotonicMs() - last.atMs) / 1000)} s ago` };
    },
    registry: () =>
      once('registry', async () => {
        const [own] = (await ask({ type: 'LREG' })).filter((record) => (record.type as string) === 'LREG');
        if (!own) throw new RegistryUnavailableError('the registry does not publish a record (type LREG) of its own');
        return own;
      }),
  };
}

function onePerSubscriber(records: readonly SubscriberRecord[], nowMs: number): SubscriberRecord[] {
  const byId = new Map<SubscriberId, SubscriberRecord[]>();
  for (const record of records) byId.set(record.subscriberId, [...(byId.get(record.subscriberId) ?? []), record]);
  const found = [...byId.values()].flatMap((group) => currentRecord(group, nowMs) ?? []);
  return found.sort((a, b) => (a.subscriberId < b.subscriberId ? -1 : 1));
}
