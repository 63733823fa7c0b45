/** From offers to a choice: by the rule at once, or by a person who has the options before them. */
import { CHEAPEST_SUFFICIENT, COUNTDOWN_OVER } from '../../rules.ts';
import { raiseAlarm } from '../alarms.ts';
import type { Desk } from '../desk.ts';
import type { OpenEvent, Purchase } from '../event.ts';
import { needOf } from '../need.ts';
import { place, planConditions } from '../placing.ts';
import { type PlanOptions, planOptions } from '../planning/options.ts';
import { marketOf } from '../planning/plan.ts';
import { beyondApproval, type Mode, modeOf } from './modes.ts';
import { type Choice, closeDecision, type DecisionRow, insertDecision, lastDecision, type Made } from './store.ts';

/** The first plan of a need: bought at once where the rule may decide, else a person is asked and nothing is bought yet. */
export async function decide(
  desk: Desk,
  event: OpenEvent,
  purchase: Purchase,
  needKw: number,
  silent: readonly string[],
): Promise<void> {
  const need = needOf(desk, event, purchase, needKw);
  const market = marketOf(need, purchase.offers ?? [], planConditions(desk, event, purchase));
  const belowLimitKw = Math.max(0, needKw - (event.limitKw - event.releaseKw));
  const { plans, ...offered } = await planOptions(market, { requestedKw: needKw, belowLimitKw });
  const mode = modeOf(desk.config.modes, event.feederId, event.detectedBy);
  const recommended = offered.options.find(({ name }) => name === offered.recommended)!;
  const because = beyondApproval(mode, recommended);
  const made = madeOf(desk, mode, offered, because ?? 'the mode is automatic');
  if (because === undefined) {
    const choice = { state: 'APPROVED', chosen: offered.recommended, by: CHEAPEST_SUFFICIENT.id } as const;
    return place(desk, event, purchase, needKw, silent, {
      plan: plans.get(offered.recommended)!,
      async record(work) {
        await insertDecision(desk, work, event, made);
        await closeDecision(desk, work, event, made.decisionId, { ...choice, role: 'RULE', reason: offered.reason });
      },
    });
  }
  await desk.participant.transact(async (work) => {
    await insertDecision(desk, work, event, made);
    const then = made.dueWallMs === null ? 'nothing is bought without one' : dueText(made);
    const text = `${event.feederId} needs ${needKw} kW of relief and a decision, since ${because}: ${then}`;
    await raiseAlarm(desk, work, { kind: 'decision-needed', eventId: event.eventId, feederId: event.feederId, text });
  });
  await wait(desk, event, purchase, made);
}

function madeOf(
  { context }: Desk,
  { mode, countdownSeconds, onDue }: Mode,
  offered: PlanOptions,
  because: string,
): Made {
  const { wall, ids } = context;
  const dueWallMs = mode === 'manual' ? null : wall.nowMs() + countdownSeconds * 1_000;
  // Beyond the limits of an automatic mode it is a person's, as if it were supervised.
  const asked = mode === 'automatic' && because !== 'the mode is automatic' ? 'supervised' : mode;
  return { decisionId: ids.uuid(), mode: asked, because, offered, dueWallMs, onDue };
}

const dueText = ({ dueWallMs, onDue }: Pick<Made, 'dueWallMs' | 'onDue'>) =>
  `at ${new Date(dueWallMs!).toISOString()} ${onDue === 'approve' ? 'what is recommended is bought' : 'the need is let pass'}`;

/** The purchase stands still; its countdown runs on the wall clock, as people do. */
async function wait(
  desk: Desk,
  event: OpenEvent,
  purchase: Purchase,
  { decisionId, dueWallMs, onDue, offered }: Pick<Made, 'decisionId' | 'dueWallMs' | 'onDue' | 'offered'>,
): Promise<void> {
  purchase.asked = decisionId;
  if (dueWallMs === null) return;
  const { wall } = desk.context;
  const due = { by: COUNTDOWN_OVER.id, role: 'RULE', reason: COUNTDOWN_OVER.text } as const;
  const choice: Choice =
    onDue === 'approve'
      ? { ...due, state: 'APPROVED', chosen: offered.recommended }
      : { ...due, state: 'LAPSED', chosen: null };
  const cancel = wall.after(Math.max(0, dueWallMs - wall.nowMs()), () => {
    void desk.inTurn(event.eventId, (open) => choose(desk, open, decisionId, choice).then(() => {}));
  });
  event.cancelTimers.push(cancel);
}

/** Closes the decision and lets the purchase go on by it; false when it was closed already. In the turn of the event. */
export async function choose(desk: Desk, event: OpenEvent, decisionId: string, choice: Choice): Promise<boolean> {
  const closed = await desk.participant.transact((work) => closeDecision(desk, work, event, decisionId, choice));
  if (!closed) return false;
  const { purchase } = event;
  if (purchase?.asked !== decisionId) return false;
  const row = await lastDecision(desk.participant.database, event.eventId);
  follow(event, purchase, row!);
  return true;
}

/** What a closed decision makes of the purchase that waited for it: bought anew, by fresh offers, or not at all. */
function follow(event: OpenEvent, purchase: Purchase, row: DecisionRow): void {
  purchase.asked = undefined;
  purchase.decided = true;
  purchase.spent = row.state !== 'APPROVED';
  purchase.offers = undefined;
  hold(event, row);
  purchase.needKw = event.targetKw;
}

/** What a closed decision means for the event, now and after. */
function hold(event: OpenEvent, { state, mode, chosen, offered }: DecisionRow): void {
  const option = offered.options.find(({ name }) => name === chosen);
  event.targetKw = option ? (option.needKw ?? Math.max(option.reliefKw, event.requestedKw)) : 0;
  // Where a person has to decide, what comes after is theirs, too.
  event.handsOff = state !== 'APPROVED' || mode === 'manual';
}

/** After a restart: an open decision goes on waiting, a closed one holds. */
export async function takeUpDecision(desk: Desk, event: OpenEvent): Promise<void> {
  const row = await lastDecision(desk.participant.database, event.eventId);
  if (!row) return;
  const { purchase } = event;
  if (row.state !== 'OPEN') {
    hold(event, row);
    if (purchase && event.state === 'BUYING' && row.decided_role === 'OPERATOR') follow(event, purchase, row);
  } else if (purchase) {
    const due = { dueWallMs: row.due_wall_at?.getTime() ?? null, onDue: row.on_due };
    await wait(desk, event, purchase, { decisionId: row.decision_id, offered: row.offered, ...due });
  }
}
