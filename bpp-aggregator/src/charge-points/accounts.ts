/** Which charge points may connect: by the password of their device account. Its hash is all that is kept. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIdentifier } from '@flexder/protocol/beckn/identifiers.ts';
import { type Kysely, sql } from 'kysely';
import { chunked } from '../dispatch/plan.ts';
import { LIMITS } from '../limits.ts';
import type { AggregatorTables } from '../tables.ts';

const digest = (secret: string | Uint8Array) => createHash('sha256').update(secret).digest();

/**
 * What the table of devices keeps of a password. Passwords are given out here, 144 random bits each: no salt and no
 * stretching makes them harder to guess.
 */
export const passwordHash = (password: string): string => digest(password).toString('base64');

export interface Account {
  readonly username: string;
  readonly password: string;
}

/** The hashes of those accounts of a list that are devices of this aggregator, by DER id. */
export function hashesOf(aggregatorId: string, accounts: readonly Account[]): ReadonlyMap<string, string> {
  const prefix = `der/${aggregatorId}/`;
  const ours = accounts.filter(
    ({ username }) => username.startsWith(prefix) && isIdentifier(username.slice(prefix.length)),
  );
  return new Map(ours.map(({ username, password }) => [username.slice(prefix.length), passwordHash(password)]));
}

/** Whether `given` is the password that `hash` was made of; compares in a time that tells nothing. */
export function isPassword(given: Uint8Array, hash: string | null | undefined): boolean {
  // Somebody unknown costs what somebody known does.
  const expected = Buffer.from(hash ?? passwordHash(''), 'base64');
  const actual = digest(given);
  return expected.length === actual.length && timingSafeEqual(expected, actual) && hash != null && given.length > 0;
}

export async function storeHashes(db: Kysely<AggregatorTables>, accounts: readonly Account[]): Promise<void> {
  for (const batch of chunked(accounts, LIMITS.readingsPerInsert))
    await sql`
      update der set password_hash = g.hash
      from unnest(
        ${batch.map(({ username }) => username.split('/').at(-1))}::text[],
        ${batch.map(({ password }) => passwordHash(password))}::text[]) as g(der_id, hash)
      where der.der_id = g.der_id and der.device_type = 'ev-charger'`.execute(db);
}
