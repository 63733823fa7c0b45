/** Decisions in the database: what could be chosen, who chose, and what holds when nobody does. */
import type { Kysely, Selectable } from 'kysely';
import type { BapTables, DecisionTable } from '../../tables.ts';
import type { Desk, Work } from '../desk.ts';
import type { NotOffered } from '../discovery/gather.ts';
import type { OpenEvent } from '../events/event.ts';
import type { OptionName, PlanOptions } from '../planning/options.ts';

export type DecisionRow = Selectable<DecisionTable>;

/** What was not to be had, beside the offers that the plans left out. */
export interface NotToBeHad extends NotOffered {
  /** Devices of the feeder that people had excluded by then: aggregators know of them only with an order. */
  readonly excludedDers: number;
}

/** What could be chosen from; decisions of before it was kept have nothing of what was not to be had. */
export type Offered = PlanOptions & Partial<NotToBeHad>;

export type Made = Pick<DecisionTable, 'mode' | 'because'> & {
  readonly decisionId: string;
  readonly offered: Offered;
  /** By the wall clock; null: as long as the window lasts. */
  readonly dueWallMs: number | null;
  readonly onDue: 'approve' | 'let-pass';
};

export interface Choice {
  readonly state: 'APPROVED' | 'DECLINED' | 'LAPSED';
  readonly chosen: OptionName | null;
  /** A person, or the rule that decided. */
  readonly by: string;
  readonly role: 'OPERATOR' | 'RULE';
  readonly reason: string;
}

export async function insertDecision(desk: Desk, work: Work, event: OpenEvent, made: Made): Promise<void> {
  const { options, recommended, reason, excluded, plannedWith, leftOut, silent, excludedDers } = made.offered;
  await work.db
    .insertInto('decision')
    .values({
      decision_id: made.decisionId,
      event_id: event.eventId,
      feeder_id: event.feederId,
      mode: made.mode,
      because: made.because,
      state: 'OPEN',
      offered: JSON.stringify({ options, recommended, reason, excluded, plannedWith, leftOut, silent, excludedDers }),
      due_wall_at: made.dueWallMs === null ? null : new Date(made.dueWallMs),
      on_due: made.onDue,
      made_wall_at: new Date(desk.context.wall.nowMs()),
      chosen: null,
      decided_by: null,
      decided_role: null,
      reason: null,
      decided_wall_at: null,
    })
    .execute();
}

/** Closes an open decision. False when somebody was faster: then nothing is changed. */
export async function closeDecision(
  desk: Desk,
  work: Work,
  event: OpenEvent,
  decisionId: string,
  choice: Choice,
): Promise<boolean> {
  const row = await work.db
    .updateTable('decision')
    .set({
      state: choice.state,
      chosen: choice.chosen,
      decided_by: choice.by,
      decided_role: choice.role,
      reason: choice.reason,
      decided_wall_at: new Date(desk.context.wall.nowMs()),
    })
    .where('decision_id', '=', decisionId)
    .where('state', '=', 'OPEN')
    .returningAll()
    .executeTakeFirst();
  if (!row) return false;
  const option = row.offered.options.find(({ name }) => name === choice.chosen);
  await work.audit({
    event_type: 'decision.made',
    ...(choice.role === 'OPERATOR' ? { actor_id: choice.by, actor_role: 'OPERATOR' } : { rule_id: choice.by }),
    code: choice.state,
    event_id: event.eventId,
    feeder_id: event.feederId,
    intervention_class: event.interventionClass,
    ...(option ? { requested_kw: option.askedKw } : {}),
    rule_inputs: {
      mode: row.mode,
      chosen: choice.chosen,
      recommended: row.offered.recommended,
      ...(row.offered.plannedWith?.length ? { planned_with: row.offered.plannedWith.join(' ') } : {}),
      ...(option ? { cost_gbp: option.costGbp, relief_kw: option.reliefKw, risk: option.risk } : {}),
    },
    decision: `${choice.chosen ?? 'nothing'} of ${row.offered.options.map(({ name }) => name).join(', ')}: ${choice.reason}`,
  });
  return true;
}

export function lastDecision(db: Kysely<BapTables>, eventId: string): Promise<DecisionRow | undefined> {
  return db
    .selectFrom('decision')
    .selectAll()
    .where('event_id', '=', eventId)
    .orderBy('made_wall_at', 'desc')
    .limit(1)
    .executeTakeFirst();
}
