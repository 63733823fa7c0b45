/** Records in the registry that no honest subscription leaves there. */
import type { Party, Scenario } from '@flexder/protocol/beckn/inbound.fixture.ts';
import { generateKeys } from '@flexder/protocol/beckn/keys.ts';
import { type RegistryTables, registryMigrations } from '@flexder/registry-mock/registry/tables.ts';
import { COUNTRY, DOMAIN, REGISTRY_ID } from '@flexder/sandbox/network/ids.ts';
import type { Insertable, Kysely } from 'kysely';
import type { Target } from './arena.ts';
import type { TestNetwork } from './network.ts';

const DAY_MS = 86_400_000;
export type Entry = Insertable<RegistryTables['subscription']>;

const opened = new WeakMap<TestNetwork, Promise<Kysely<RegistryTables>>>();

export function registryTables(net: TestNetwork): Promise<Kysely<RegistryTables>> {
  const known = opened.get(net) ?? net.context.engines.database.open<RegistryTables>(REGISTRY_ID, registryMigrations);
  opened.set(net, known);
  return known;
}

/** A subscriber that exists in the registry's table alone; it is called at the address of the target's peer. */
export async function enter(
  net: TestNetwork,
  target: Target,
  id: string,
  changes: Partial<Entry> = {},
): Promise<Party> {
  const keys = generateKeys();
  const { type, url } = target.peer;
  const now = net.context.wall.nowMs();
  const row: Entry = {
    subscriber_id: id,
    key_id: 'key-1',
    type,
    url,
    domain: DOMAIN,
    country: COUNTRY,
    // No search goes there: each would be sent on to all of them.
    city: 'std:0999',
    signing_public_key: keys.signingPublicKey,
    encr_public_key: keys.encryptionPublicKey,
    valid_from: new Date(now - DAY_MS),
    valid_until: new Date(now + DAY_MS),
    status: 'SUBSCRIBED',
    created: new Date(now),
    updated: new Date(now),
    ...changes,
  };
  await (await registryTables(net)).insertInto('subscription').values(row).execute();
  return { id: id as Party['id'], type, url, keys };
}

/** The target's baseline as `party` would send it. */
export function from(party: Party, target: Target): Scenario {
  const scenario = target.baseline();
  const side = party.type === 'BAP' ? 'bap' : 'bpp';
  scenario.signer = party;
  scenario.message.context[`${side}_id`] = party.id;
  scenario.message.context[`${side}_uri`] = party.url;
  return scenario;
}
