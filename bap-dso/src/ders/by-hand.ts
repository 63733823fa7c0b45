/** A person holds a single device back, or gives it free. Requests from then on carry it; running orders stay as they are. */
import { EXCLUDED_DEVICES } from '@flexder/protocol/flexibility/codec-v1.ts';
import { actionRecord, type ByHand } from '../flex-orchestration/decisions/by-hand.ts';
import { ANY_BPP, type KnownDer, type Restrictions } from '../flex-orchestration/decisions/restrictions.ts';
import { TooLateError } from '../flex-orchestration/decisions/too-late.ts';
import type { Desk } from '../flex-orchestration/desk.ts';
import { EXCLUDED_DERS } from '../limits.ts';

/** Why no further device can be excluded; undefined when one can. */
function noRoomFor(der: KnownDer, restrictions: Restrictions): string | undefined {
  if (restrictions.dersOn(der.feederId).length >= EXCLUDED_DEVICES)
    return `${EXCLUDED_DEVICES} devices of ${der.feederId} are excluded, which is all that a request can carry: restore some, or exclude the aggregator`;
  if (restrictions.excludedDerCount >= EXCLUDED_DERS)
    return `${EXCLUDED_DERS} devices are excluded, which is the most: restore some, or exclude the aggregator`;
  return undefined;
}

/** Throws TooLateError when no further device can be excluded. */
async function restrictDer(desk: Desk, der: KnownDer, holds: boolean, hand: ByHand): Promise<void> {
  const { derId, bppId, feederId } = der;
  const full = holds ? noRoomFor(der, desk.restrictions) : undefined;
  if (full) throw new TooLateError(full);
  await desk.participant.transact(async (work) => {
    const row = {
      ...{ kind: 'exclude-der' as const, subject: derId, bpp_id: bppId, feeder_id: feederId },
      ...{ made_by: hand.by, reason: hand.reason, made_wall_at: new Date(desk.context.wall.nowMs()) },
    };
    if (holds)
      await work.db
        .insertInto('restriction')
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    else
      await work.db
        .deleteFrom('restriction')
        .where('kind', '=', 'exclude-der')
        .where('subject', '=', derId)
        .where('bpp_id', 'in', [bppId, ANY_BPP])
        .execute();
    await work.audit({
      ...actionRecord(holds ? 'operator.excluded' : 'operator.restored', hand),
      ...{ der_id: derId, feeder_id: feederId },
      ...(bppId !== ANY_BPP && { counterparty_id: bppId }),
    });
    work.afterCommit(() => {
      desk.restrictions.setDer(der, holds);
      if (!holds) desk.reconsider();
    });
  });
}

/** What a person may do to single devices, at one desk. */
export function derHandsOf(desk: Desk) {
  return {
    restrictDer: (der: KnownDer, holds: boolean, hand: ByHand) => restrictDer(desk, der, holds, hand),
    noRoomFor: (der: KnownDer) => noRoomFor(der, desk.restrictions),
  };
}
