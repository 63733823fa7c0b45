/** From offers to a choice: by the rule at once, or by a person who has the options before them. */
import { PLAN_NAMED, STEP_PAUSE_MS } from '../../limits.ts';
import { CHEAPEST_SUFFICIENT, COUNTDOWN_OVER, type Rule, WINDOW_OVER } from '../../rules.ts';
import { raiseAlarm } from '../alarms/alarms.ts';
import { place, planConditions } from '../buying/placing.ts';
import type { Placement } from '../buying/together.ts';
import type { Desk } from '../desk.ts';
import type { NotOffered } from '../discovery/gather.ts';
import { needOf } from '../discovery/need.ts';
import type { OpenEvent, Purchase } from '../events/event.ts';
import { type OptionName, planOptions } from '../planning/options.ts';
import { marketOf } from '../planning/plan.ts';
import { beyondApproval, type Mode, modeOf } from './modes.ts';
import {
  type Choice,
  closeDecision,
  type DecisionRow,
  insertDecision,
  lastDecision,
  type Made,
  type NotToBeHad,
  type Offered,
} from './store.ts';
import { TooLateError } from './too-late.ts';

/** The first plan of a need: bought at once where the rule may decide, else a person is asked and nothing is bought yet. */
export async function decide(
  desk: Desk,
  event: OpenEvent,
  purchase: Purchase,
  needKw: number,
  notOffered: NotOffered,
  joint?: Placement,
): Promise<void> {
  const need = needOf(desk, event, purchase, needKw);
  const market = joint?.part.left ?? marketOf(need, purchase.offers ?? [], await planConditions(desk, event, purchase));
  const belowLimitKw = Math.max(0, needKw - (event.limitKw - event.releaseKw));
  const { plans, ...planned } = await planOptions(market, { requestedKw: needKw, belowLimitKw }, joint?.part);
  const offered = { ...planned, ...notToBeHad(desk, event, notOffered) };
  const mode = modeOf(desk.config.modes, event.feederId, event.detectedBy);
  const recommended = offered.options.find(({ name }) => name === offered.recommended)!;
  const because = beyondApproval(mode, recommended);
  if (because === undefined) {
    const made = madeOf(desk, mode, { because: BY_RULE, asks: false }, offered);
    const choice = { state: 'APPROVED', chosen: offered.recommended, by: CHEAPEST_SUFFICIENT.id } as const;
    purchase.decided = true;
    return place(desk, event, purchase, needKw, notOffered, {
      plan: plans.get(offered.recommended)!,
      joint,
      async record(work) {
        await insertDecision(desk, work, event, made);
        await closeDecision(desk, work, event, made.decisionId, { ...choice, role: 'RULE', reason: offered.reason });
      },
    });
  }
  const made = madeOf(desk, mode, { because, asks: true }, offered);
  await desk.participant.transact(async (work) => {
    await insertDecision(desk, work, event, made);
    const then = made.dueWallMs === null ? 'nothing is bought without one' : dueText(made);
    const text = `${event.feederId} needs ${needKw} kW of relief and a decision, since ${because}: ${then}`;
    await raiseAlarm(desk, work, { kind: 'decision-needed', eventId: event.eventId, feederId: event.feederId, text });
  });
  wait(desk, event, purchase, made);
}

function notToBeHad(desk: Desk, { feederId }: OpenEvent, { leftOut, silent }: NotOffered): NotToBeHad {
  const excluded = new Set(desk.restrictions.dersOn(feederId).map(({ derId }) => derId));
  return {
    leftOut: leftOut.slice(0, PLAN_NAMED),
    silent: silent.slice(0, PLAN_NAMED),
    excludedDers: excluded.size,
  };
}

const BY_RULE = 'the mode is automatic';

function madeOf(
  { context }: Desk,
  { mode, countdownSeconds, onDue }: Mode,
  { because, asks }: { readonly because: string; readonly asks: boolean },
  offered: Offered,
): Made {
  const { wall, ids } = context;
  return {
    decisionId: ids.uuid(),
    // Beyond the limits of an automatic mode it is a person's, as if it were supervised.
    mode: asks && mode === 'automatic' ? 'supervised' : mode,
    ...{ because, offered, onDue },
    dueWallMs: mode === 'manual' ? null : wall.nowMs() + countdownSeconds * 1_000,
  };
}

const dueText = ({ dueWallMs, onDue }: Pick<Made, 'dueWallMs' | 'onDue'>) =>
  `at ${new Date(dueWallMs!).toISOString()} ${onDue === 'approve' ? 'what is recommended is bought' : 'the need is let pass'}`;

/**
 * The purchase stands still until somebody decides, the countdown is over (wall clock, as people live by it), or the
 * window is (grid time): relief for what is past helps nobody.
 */
function wait(
  desk: Desk,
  event: OpenEvent,
  purchase: Purchase,
  { decisionId, dueWallMs, onDue, offered }: Pick<Made, 'decisionId' | 'dueWallMs' | 'onDue' | 'offered'>,
): void {
  purchase.asked = decisionId;
  const { wall, grid } = desk.context;
  const byRule = (rule: Rule, chosen: OptionName | null): Choice => ({
    ...{ state: chosen === null ? 'LAPSED' : 'APPROVED', chosen },
    ...{ by: rule.id, role: 'RULE', reason: rule.text },
  });
  const over = () => chooseByRule(desk, event, decisionId, byRule(WINDOW_OVER, null));
  event.cancelTimers.push(grid.at(event.window.endMs, `${event.feederId}/${event.eventId}/decision`, over));
  if (dueWallMs === null) return;
  const due = byRule(COUNTDOWN_OVER, onDue === 'approve' ? offered.recommended : null);
  const run = () => void chooseByRule(desk, event, decisionId, due);
  event.cancelTimers.push(wall.after(Math.max(0, dueWallMs - wall.nowMs()), run));
}

/** A countdown is not stopped by a database that is away: tried again until it is closed, by whomever, or the event is over. */
async function chooseByRule(desk: Desk, event: OpenEvent, decisionId: string, choice: Choice): Promise<void> {
  const { wall, log } = desk.context;
  try {
    await desk.inTurn(event.eventId, async (open) => void (await choose(desk, open, decisionId, choice)));
  } catch (error) {
    if (error instanceof TooLateError) return;
    log.error(
      { eventId: event.eventId, error: String(error) },
      'a decision could not be closed by its rule; tried again',
    );
    event.cancelTimers.push(wall.after(STEP_PAUSE_MS, () => void chooseByRule(desk, event, decisionId, choice)));
  }
}

/** Closes the decision and lets the purchase go on by it; false when it was closed already. In the turn of the event. */
export async function choose(desk: Desk, event: OpenEvent, decisionId: string, choice: Choice): Promise<boolean> {
  const closed = await desk.participant.transact((work) => closeDecision(desk, work, event, decisionId, choice));
  if (!closed) return false;
  const { purchase } = event;
  if (purchase?.asked !== decisionId) return true;
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
  purchase.needKw = wantedKw(event, row);
  hold(event, row);
}

/** What a closed decision means for the event, now and after. */
function hold(event: OpenEvent, row: DecisionRow): void {
  // Whoever took everything has no more to ask for when some of it does not come.
  event.targetKw = Math.min(wantedKw(event, row), event.requestedKw);
  // Where a person has to decide, what comes after is theirs, too.
  event.handsOff = row.state !== 'APPROVED' || row.mode === 'manual';
}

function wantedKw(event: OpenEvent, { chosen, offered }: DecisionRow): number {
  const option = offered.options.find(({ name }) => name === chosen);
  return option ? (option.needKw ?? Math.max(option.reliefKw, event.requestedKw)) : 0;
}

/** After a restart: an open decision goes on waiting, a closed one holds. */
export async function takeUpDecision(desk: Desk, event: OpenEvent): Promise<void> {
  const row = await lastDecision(desk.participant.database, event.eventId);
  if (!row) return;
  const { purchase } = event;
  const isBuying = purchase !== undefined && event.state === 'BUYING';
  if (row.state !== 'OPEN') {
    hold(event, row);
    if (isBuying) follow(event, purchase, row);
  } else if (isBuying) {
    const due = { dueWallMs: row.due_wall_at?.getTime() ?? null, onDue: row.on_due };
    wait(desk, event, purchase, { decisionId: row.decision_id, offered: row.offered, ...due });
  }
}
