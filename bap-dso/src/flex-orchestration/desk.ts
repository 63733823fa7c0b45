/** What the rooms of the DSO share: its context, its participant, and the one interface each shows the others. */
import type { Context } from '@flexder/runtime/context.ts';
import type { Participant, UnitOfWork } from '@flexder/runtime/participant/types.ts';
import type { Kysely, Selectable } from 'kysely';
import type { BapConfig } from '../config.ts';
import type { OffersOnHand } from '../ders/offers-on-hand.ts';
import type { Reach } from '../network-model/reach.ts';
import type { OpenData } from '../open-data/open.ts';
import type { BapTables, OverloadTable } from '../tables.ts';
import type { Together } from './buying/together.ts';
import type { Restrictions } from './decisions/restrictions.ts';
import type { Counterparties } from './discovery/counterparties.ts';
import type { Gathers } from './discovery/gather.ts';
import type { OpenEvent } from './events/event.ts';
import type { Deadlines } from './orders/deadlines.ts';
import type { CoverSolver } from './planning/solver.ts';
import type { FlexOrderTable } from './tables.ts';

export type Work = UnitOfWork<BapTables>;
export type OrderRow = Selectable<FlexOrderTable>;
export type OverloadRow = Selectable<OverloadTable>;

/** The part of a participant that the DSO trades through. */
export type Trader = Pick<Participant<BapTables>, 'subscriberId' | 'transact' | 'subscribers'> & {
  readonly database: Kysely<BapTables>;
};

export interface Desk {
  readonly context: Context;
  readonly config: BapConfig;
  readonly participant: Trader;
  readonly counterparties: Counterparties;
  readonly gathers: Gathers;
  readonly together: Together;
  readonly deadlines: Deadlines;
  /** What is felt where, by the network model; absent without one. */
  readonly reach?: Reach;
  readonly restrictions: Restrictions;
  /** What could be bought now, by the latest catalogues. */
  readonly offers: OffersOnHand;
  readonly solver: Pick<CoverSolver, 'solve' | 'solveJoint'>;
  /** Absent while open data are off. */
  readonly openData?: Pick<OpenData, 'eventContext' | 'costContext'> | undefined;
  /** Called after a commit that moved an order: what its event makes of it. */
  moved(eventId: string): void;
  /** There may be means again where they were used up. */
  reconsider(): void;
  /** Runs in the turn of an open event, which then goes on with what came of it. Throws TooLateError where there is none. */
  inTurn(eventId: string, run: (event: OpenEvent) => Promise<void>): Promise<void>;
}
