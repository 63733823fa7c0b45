/** Where this aggregator stands with the network: subscribed or not, its key, and who asked what of it. */
import type { OpenParticipant, ParticipantTables } from '@flexder/runtime/participant/open.ts';
import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import type { Rooms } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { AggregatorTables } from '../tables.ts';

export type Counters = Pick<
  OpenParticipant<AggregatorTables>,
  'registry' | 'lastChallenge' | 'publicKeyOf' | 'awayCounterparties' | 'subscriberId'
>;

export interface OnboardingView {
  readonly subscriberId: string;
  /** Registered address. */
  readonly url: string;
  readonly registryUrl: string;
  readonly registryAnswers: boolean;
  /** What the registry says of us; null when it knows nobody of that id. */
  readonly entry: {
    readonly status: string;
    readonly url: string;
    readonly keyId: string;
    /** It is a key that this process signs with. */
    readonly keyIsOurs: boolean;
    readonly validFromMs: number;
    readonly validUntilMs: number;
  } | null;
  readonly lastChallenge: { readonly atMs: number; readonly answered: boolean; readonly refusal?: string } | null;
  readonly searches: readonly SearchView[];
}

/** A search that was answered, or a message that was refused. */
export interface SearchView {
  readonly at: string;
  readonly from: string | null;
  readonly action: string | null;
  readonly feederId: string | null;
  readonly requestedKw: number | null;
  /** Null: it was answered. */
  readonly code: string | null;
  readonly decision: string;
}

export async function onboarding(rooms: Rooms, participant: Counters): Promise<OnboardingView> {
  const { config, url, database } = rooms;
  const known = await participant.registry.records(config.subscriberId).catch(() => undefined);
  // The entry with a key of ours before one that somebody else made, and the newest first.
  const [entry] = (known ?? []).toSorted(
    (a, b) => Number(isOurs(b)) - Number(isOurs(a)) || b.validFromMs - a.validFromMs,
  );
  function isOurs({ keyId, signingPublicKey }: { keyId: string; signingPublicKey: string }): boolean {
    return participant.publicKeyOf(keyId) === signingPublicKey;
  }
  return {
    ...{ subscriberId: config.subscriberId, url, registryUrl: config.registryUrl },
    registryAnswers: known !== undefined,
    entry: entry
      ? {
          ...{ status: entry.status, url: entry.url, keyId: entry.keyId, keyIsOurs: isOurs(entry) },
          ...{ validFromMs: entry.validFromMs, validUntilMs: entry.validUntilMs },
        }
      : null,
    lastChallenge: participant.lastChallenge() ?? null,
    searches: await searches(database as unknown as Kysely<ParticipantTables>),
  };
}

/** Newest first, of the newest records alone: a record has no index by what it tells. */
async function searches(db: Kysely<ParticipantTables>): Promise<SearchView[]> {
  const { rows } = await sql<{ record: Record<string, string | number | undefined> }>`
    select record from (
      select record, seq from audit_record where seq is not null
      order by seq desc limit ${sql.lit(LIMITS.recordsSearched)}) newest
    where record->>'event_type' in ('catalogue.offered', 'beckn.rejected')
    order by seq desc limit ${sql.lit(LIMITS.searchesShown)}`.execute(db);
  return rows.map(({ record }) => ({
    at: String(record.ts_utc),
    from: textOf(record.counterparty_id),
    action: record.event_type === 'catalogue.offered' ? 'search' : textOf(record.beckn_action),
    feederId: textOf(record.feeder_id),
    requestedKw: typeof record.requested_kw === 'number' ? record.requested_kw : null,
    code: record.event_type === 'catalogue.offered' ? null : (textOf(record.code) ?? 'UNKNOWN'),
    decision: String(record.decision ?? ''),
  }));
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
