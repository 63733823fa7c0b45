/** The services' own tables, read by a test that asks what the wire does not tell. */
import { migrations } from '@flexder/bap-dso/migrations.ts';
import type { BapTables } from '@flexder/bap-dso/tables.ts';
import { AGGREGATOR_MIGRATIONS } from '@flexder/bpp-aggregator/migrations.ts';
import type { AggregatorTables } from '@flexder/bpp-aggregator/tables.ts';
import { type ParticipantTables, participantMigrations } from '@flexder/runtime/participant/open.ts';
import { DSO_ID, GATEWAY_ID } from '@flexder/sandbox/network/ids.ts';
import type { Network } from '@flexder/sandbox/network/network.ts';
import type { Kysely } from 'kysely';

type Of = Pick<Network, 'context'>;

export const openTables = {
  dso: ({ context }: Of): Promise<Kysely<BapTables & ParticipantTables>> =>
    context.engines.database.open(DSO_ID, { ...participantMigrations, ...migrations }),
  gateway: ({ context }: Of): Promise<Kysely<ParticipantTables>> =>
    context.engines.database.open(GATEWAY_ID, participantMigrations),
  aggregator: ({ context }: Of, id: string): Promise<Kysely<AggregatorTables & ParticipantTables>> =>
    context.engines.database.open(id, { ...participantMigrations, ...AGGREGATOR_MIGRATIONS }),
};
