/** A later settlement run, started by a person: it adds revisions and changes none. */
import { type Request, Router } from 'express';
import { isEarlierRun, RUN_TYPES } from '../../audit-settlement/settlement/config.ts';
import { type RunOutcome, settleRun } from '../../audit-settlement/settlement/revisions.ts';
import type { Guard } from '../access/guard.ts';
import { body, text } from '../body.ts';
import type { OperatorApiDeps } from '../deps.ts';
import { answering } from '../http.ts';
import { PARAMETER_LENGTH, REASON_LENGTH } from '../limits.ts';
import { BadRequestError, date, oneOf } from '../parameters.ts';

export function settlementRunRoutes(deps: OperatorApiDeps, guard: Guard): Router {
  const router = Router();
  let running = false;
  router.post(
    '/v1/settlement/runs',
    guard.needs('operator'),
    body,
    answering(async (request) => {
      const order = asked(request);
      if (running) throw new BadRequestError('run_type', 'another run is under way; wait for its answer');
      running = true;
      try {
        const outcome = await settleRun(deps, order.runType, order);
        await record(deps, guard.askerOf(request).person!.name, order, outcome);
        return outcome;
      } finally {
        running = false;
      }
    }),
  );
  return router;
}

function asked(request: Request) {
  const lengths = { run_type: PARAMETER_LENGTH, from: PARAMETER_LENGTH, to: PARAMETER_LENGTH, reason: REASON_LENGTH };
  const given = text(request, lengths);
  const runType = oneOf(RUN_TYPES)(given.run_type, 'run_type');
  if (!isEarlierRun('II', runType)) throw new BadRequestError('run_type', 'II is settled by itself; name a later run');
  return { runType, from: date(given.from, 'from'), to: date(given.to, 'to'), reason: given.reason };
}

/** Who ran it and why; what it computed is in the records of each order. */
function record(
  { participant }: OperatorApiDeps,
  by: string,
  { runType, from, to, reason }: ReturnType<typeof asked>,
  { computed, unchanged, failed }: RunOutcome,
): Promise<void> {
  return participant.transact(async (work) => {
    await work.audit({
      event_type: 'settlement.run',
      actor_id: by,
      actor_role: 'OPERATOR',
      rule_inputs: { runType, from, to, computed, unchanged, failed: failed.length },
      decision: reason,
    });
  });
}
