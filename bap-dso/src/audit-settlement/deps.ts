import type { Context } from '@flexder/runtime/context.ts';
import type { OpenParticipant } from '@flexder/runtime/participant/open.ts';
import type { Kysely } from 'kysely';
import type { BapTables } from '../tables.ts';
import type { SettlementConfig } from './settlement/config.ts';

export interface SettlementDeps {
  readonly context: Pick<Context, 'wall' | 'log' | 'metrics' | 'activity'>;
  readonly participant: Pick<OpenParticipant<BapTables>, 'database' | 'transact' | 'fetchDocument'> & {
    readonly audit: Pick<OpenParticipant<BapTables>['audit'], 'byObp' | 'sealNow' | 'checkpointNow'>;
  };
  readonly config: { readonly settlement: SettlementConfig };
}

/** The participant's query builder, as that of the DSO's own tables. */
export function bapTables({ participant }: Pick<SettlementDeps, 'participant'>): Kysely<BapTables> {
  return participant.database as unknown as Kysely<BapTables>;
}
