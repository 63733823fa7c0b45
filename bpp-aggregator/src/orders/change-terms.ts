/** Which changes of an order an aggregator accepts at all, whatever its devices do at that moment. */
import { changedSelection, type UpdateAsked } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { FlexSelection, TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import type { BecknError } from '@flexder/runtime/participant/types.ts';
import { type CatalogueTerms, infeasibility } from '../catalogue/blocks.ts';
import { quotedSelection } from './agreed.ts';
import { eventDateOf } from './holds.ts';
import { floorToStep } from './quantity.ts';
import type { OrderRow } from './store.ts';

type Terms = Pick<CatalogueTerms, 'minimumNoticeSeconds' | 'maxDurationSeconds' | 'minimumKw' | 'stepKw'>;

export interface Change {
  readonly selection: FlexSelection;
  /** More kW of some item, or time that was not in the window: devices have to be free for it. */
  readonly grows: boolean;
  readonly movesWindow: boolean;
}

const ITEMS = '/message/order/items';
const TIME = '/message/order/fulfillments/0/stops/0/time';

/**
 * The order as it is to be, or why not; undefined when it is so already. `nowMs` is grid time; `losesDevices`: some that
 * serve it must not any longer, which is a change also where kW and window stay.
 */
export function changeOf(
  row: Pick<OrderRow, 'selection' | 'quote'>,
  asked: UpdateAsked,
  nowMs: number,
  terms: Terms,
  losesDevices = false,
): Change | BecknError | undefined {
  const known = quotedSelection(row);
  const selection = changedSelection(known, asked);
  if (!selection) {
    const wrong = asked.items.findIndex((item) => !known.items.some(({ itemId }) => itemId === item.itemId));
    return {
      code: '30004',
      message: `the order has no item ${asked.items[wrong]?.itemId}`,
      paths: `${ITEMS}/${wrong}`,
    };
  }
  const kwOf = new Map(known.items.map(({ itemId, kw }) => [itemId, kw]));
  const altered = selection.items.filter(({ itemId, kw }) => kw !== kwOf.get(itemId));
  const beside = asked.only === undefined ? undefined : altered.find(({ itemId }) => itemId !== asked.only);
  if (beside) {
    const message = `item ${beside.itemId} changes too, and update_target names ${asked.only} alone`;
    return { code: '30013', message, paths: ITEMS };
  }
  const movesWindow = !sameWindow(selection.window, known.window);
  if (altered.length === 0 && !movesWindow && !losesDevices) return undefined;
  if (known.window.endMs <= nowMs) return { code: '50002', message: 'the window of the order is over' };
  const odd = altered.find(({ kw }) => kw < terms.minimumKw || floorToStep(kw, terms.stepKw) !== kw);
  if (odd) {
    const message = `${odd.kw} kW of ${odd.itemId}: at least ${terms.minimumKw} kW, in steps of ${terms.stepKw} kW`;
    return { code: '40002', message, paths: ITEMS };
  }
  const more = altered.some(({ itemId, kw }) => kw > (kwOf.get(itemId) ?? 0));
  const longer = selection.window.startMs < known.window.startMs || selection.window.endMs > known.window.endMs;
  const late = tooLate(known.window, selection.window, more, nowMs, terms);
  return late ?? { selection, movesWindow, grows: more || longer };
}

function sameWindow(a: TimeWindow, b: TimeWindow): boolean {
  return a.startMs === b.startMs && a.endMs === b.endMs;
}

/**
 * Less is taken until the window ends. More, and another start, need the notice of an order before the window begins; of
 * a window that has begun only the end moves, with that notice before the earlier of the two ends.
 */
function tooLate(
  known: TimeWindow,
  wanted: TimeWindow,
  more: boolean,
  nowMs: number,
  terms: Terms,
): BecknError | undefined {
  const noticeMs = terms.minimumNoticeSeconds * 1000;
  const refuse = (message: string): BecknError => ({ code: '50002', message, paths: TIME });
  const begun = known.startMs <= nowMs;
  if (wanted.startMs !== known.startMs) {
    if (begun) return refuse('the window has begun: its start cannot be changed');
    if (known.startMs - nowMs < noticeMs) return refuse(`the start is fixed ${noticeMs / 1000} s before it`);
    const obstacle = infeasibility(wanted, nowMs, terms as CatalogueTerms);
    if (obstacle) return { code: '30008', message: obstacle.text, paths: TIME };
  }
  if (wanted.endMs !== known.endMs) {
    const earlier = Math.min(wanted.endMs, known.endMs);
    if (earlier <= nowMs || earlier - nowMs < noticeMs)
      return refuse(`the end is fixed ${noticeMs / 1000} s before it`);
  }
  if (eventDateOf(wanted) !== eventDateOf(known)) return refuse('the window cannot move to another day: order anew');
  const durationS = (wanted.endMs - wanted.startMs) / 1000;
  if (durationS > terms.maxDurationSeconds) {
    const message = `the window would last ${durationS} s, at most ${terms.maxDurationSeconds} s are offered`;
    return { code: '30008', message, paths: TIME };
  }
  if (more && noticeMs > 0 && wanted.startMs - nowMs < noticeMs)
    return { code: '50002', message: `more kW need ${noticeMs / 1000} s of notice before the window`, paths: ITEMS };
  return undefined;
}
