import type { KeyId } from '@flexder/protocol/beckn/identifiers.ts';
import { generateKeys } from '@flexder/protocol/beckn/keys.ts';
import { sampleKeyIn } from '@flexder/protocol/beckn/sample-keys.ts';
import { type Kysely, type Migration, sql } from 'kysely';
import type { Ids } from '../context.ts';
import { lockForTransaction } from '../engines/database/locks.ts';
import type { ParticipantConfig, ParticipantKeys } from './types.ts';

/** Keys a subscriber made for itself when none were configured: a restart must be the same subscriber. */
export interface OwnKeyTable {
  key_id: string;
  signing_seed: string;
  signing_public_key: string;
  encryption_private_key: string;
  encryption_public_key: string;
}

export const ownKeyMigration: Record<string, Migration> = {
  '0000-own-key': {
    async up(db: Kysely<unknown>): Promise<void> {
      await sql`create table own_key (key_id text primary key, signing_seed text not null, signing_public_key text not null,
        encryption_private_key text not null, encryption_public_key text not null)`.execute(db);
    },
  },
};

/** Keys that must not sign anything on a live network. */
export class SampleKeyError extends Error {
  override name = 'SampleKeyError';
}

type Keyed = Pick<ParticipantConfig, 'subscriberId' | 'networkProfile'> &
  Partial<Pick<ParticipantConfig, 'keys' | 'previousKeys'>>;

/** Throws a SampleKeyError when a strict network would be joined with a key whose private half is published. */
export function refuseSampleKeys({ subscriberId, networkProfile, keys, previousKeys }: Keyed): void {
  if (networkProfile !== 'strict') return;
  for (const pair of [keys, previousKeys]) {
    const member = pair && sampleKeyIn(pair);
    if (member)
      throw new SampleKeyError(
        `${subscriberId}: ${member} of key ${pair.keyId} is a published sample, so anybody can sign in its name. ` +
          'Configure keys of your own, or none: then they are made at the first start.',
      );
  }
}

/** The keys in the subscriber's own schema; made at the first start. */
export async function ownKeys(db: Kysely<{ own_key: OwnKeyTable }>, ids: Ids): Promise<ParticipantKeys> {
  const row = (await storedKeys(db)) ?? (await makeKeys(db, ids));
  return {
    keyId: row.key_id as KeyId,
    signingSeed: row.signing_seed,
    signingPublicKey: row.signing_public_key,
    encryptionPrivateKey: row.encryption_private_key,
    encryptionPublicKey: row.encryption_public_key,
  };
}

const storedKeys = (db: Kysely<{ own_key: OwnKeyTable }>) =>
  db.selectFrom('own_key').selectAll().orderBy('key_id').executeTakeFirst();

/** Two processes that start for the first time at once are one subscriber, with one key. */
function makeKeys(db: Kysely<{ own_key: OwnKeyTable }>, ids: Ids): Promise<OwnKeyTable> {
  const keys = generateKeys((bytes) => ids.secret(bytes));
  const row = {
    key_id: ids.uuid(),
    signing_seed: keys.signingSeed,
    signing_public_key: keys.signingPublicKey,
    encryption_private_key: keys.encryptionPrivateKey,
    encryption_public_key: keys.encryptionPublicKey,
  };
  return db.transaction().execute(async (trx) => {
    await lockForTransaction(trx, 'own keys');
    const stored = await storedKeys(trx);
    if (!stored) await trx.insertInto('own_key').values(row).execute();
    return stored ?? row;
  });
}
