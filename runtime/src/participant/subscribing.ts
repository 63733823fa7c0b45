import type { Kysely } from 'kysely';
import type { WallClock } from '../clock.ts';
import { SUBSCRIBE_TIMEOUT_MS } from './limits.ts';
import type { ParticipantTables } from './tables.ts';

/** The registry's encryption key, while a subscription of ours is under way. */
export interface Subscribing {
  begin(registryKey: string): Promise<void>;
  end(): Promise<void>;
  registryKey(): Promise<string | undefined>;
}

/** Of a process that is alone. */
export function subscribingHere(): Subscribing {
  let key: string | undefined;
  return {
    async begin(registryKey) {
      key = registryKey;
    },
    async end() {
      key = undefined;
    },
    registryKey: async () => key,
  };
}

/** Of all processes of a participant: the challenge may reach another than the one that asked for it. */
export function subscribingAnywhere(db: Kysely<ParticipantTables>, keyId: string, wall: WallClock): Subscribing {
  return {
    async begin(registry_key) {
      const row = { registry_key, until: new Date(wall.nowMs() + SUBSCRIBE_TIMEOUT_MS) };
      await db
        .insertInto('subscribing')
        .values({ key_id: keyId, ...row })
        .onConflict((conflict) => conflict.column('key_id').doUpdateSet(row))
        .execute();
    },
    async end() {
      await db.deleteFrom('subscribing').where('key_id', '=', keyId).execute();
    },
    async registryKey() {
      const row = await db
        .selectFrom('subscribing')
        .select('registry_key')
        .where('key_id', '=', keyId)
        .where('until', '>', new Date(wall.nowMs()))
        .executeTakeFirst();
      return row?.registry_key;
    },
  };
}
