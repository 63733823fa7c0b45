/**
 * States of an order and what moves it, one pure table for both sides.
 *
 * Messages arrive late, twice and out of order. A callback that tells less than is known already changes nothing
 * (`applied: false`); one that tells more moves the order on, whatever came between. So every order of on_confirm,
 * on_status(IN_PROGRESS) and on_status(COMPLETED) ends the same. What can never follow is refused (ORD_STATE).
 */
export const ORDER_STATES = [
  'SELECTING',
  'QUOTED',
  'INITIALISING',
  'INITIALISED',
  'CONFIRMING',
  'SCHEDULED',
  'IN_PROGRESS',
  'COMPLETED',
  'CANCELLING',
  'CANCELLED',
  'DECLINED',
  'EXPIRED',
] as const;
export type OrderState = (typeof ORDER_STATES)[number];

export const ORDER_EVENTS = [
  'select',
  'on_select',
  'init',
  'on_init',
  'confirm',
  'on_confirm',
  'on_status:IN_PROGRESS',
  'on_status:COMPLETED',
  'cancel',
  'on_cancel',
  /** A change of quantity or window leaves an order where it is. */
  'update',
  'on_update',
  /** An error instead of on_select, on_init or on_confirm, or the BAP not going on. An error in on_cancel is none. */
  'decline',
  /** The wait or the quote ran out (wall time). */
  'expire',
] as const;
export type OrderEvent = (typeof ORDER_EVENTS)[number];

type Moves = Partial<Record<OrderEvent, OrderState>>;

/** A move to the state itself is a repeat or something late: accepted, nothing changes. */
const TABLE: Record<OrderState, Moves> = {
  SELECTING: { select: 'SELECTING', on_select: 'QUOTED', decline: 'DECLINED', expire: 'EXPIRED' },
  // A new select asks for another quantity in place of the quoted one.
  QUOTED: { select: 'SELECTING', on_select: 'QUOTED', init: 'INITIALISING', decline: 'DECLINED', expire: 'EXPIRED' },
  INITIALISING: {
    on_select: 'INITIALISING',
    init: 'INITIALISING',
    on_init: 'INITIALISED',
    decline: 'DECLINED',
    expire: 'EXPIRED',
  },
  INITIALISED: {
    on_select: 'INITIALISED',
    init: 'INITIALISED',
    on_init: 'INITIALISED',
    confirm: 'CONFIRMING',
    cancel: 'CANCELLING',
    on_cancel: 'CANCELLED',
    decline: 'DECLINED',
    expire: 'EXPIRED',
  },
  CONFIRMING: {
    on_select: 'CONFIRMING',
    on_init: 'CONFIRMING',
    confirm: 'CONFIRMING',
    on_confirm: 'SCHEDULED',
    // A report of a running order says that it was confirmed, even when on_confirm is still under way.
    'on_status:IN_PROGRESS': 'IN_PROGRESS',
    'on_status:COMPLETED': 'COMPLETED',
    cancel: 'CANCELLING',
    on_cancel: 'CANCELLED',
    decline: 'DECLINED',
    expire: 'EXPIRED',
  },
  SCHEDULED: {
    on_select: 'SCHEDULED',
    on_init: 'SCHEDULED',
    confirm: 'SCHEDULED',
    on_confirm: 'SCHEDULED',
    'on_status:IN_PROGRESS': 'IN_PROGRESS',
    'on_status:COMPLETED': 'COMPLETED',
    cancel: 'CANCELLING',
    on_cancel: 'CANCELLED',
    update: 'SCHEDULED',
    on_update: 'SCHEDULED',
    // The timer lost the race against the confirmation.
    expire: 'SCHEDULED',
  },
  IN_PROGRESS: {
    on_select: 'IN_PROGRESS',
    on_init: 'IN_PROGRESS',
    confirm: 'IN_PROGRESS',
    on_confirm: 'IN_PROGRESS',
    'on_status:IN_PROGRESS': 'IN_PROGRESS',
    'on_status:COMPLETED': 'COMPLETED',
    cancel: 'CANCELLING',
    on_cancel: 'CANCELLED',
    update: 'IN_PROGRESS',
    on_update: 'IN_PROGRESS',
    expire: 'IN_PROGRESS',
  },
  COMPLETED: {
    on_select: 'COMPLETED',
    on_init: 'COMPLETED',
    on_confirm: 'COMPLETED',
    'on_status:IN_PROGRESS': 'COMPLETED',
    'on_status:COMPLETED': 'COMPLETED',
    on_update: 'COMPLETED',
    expire: 'COMPLETED',
  },
  CANCELLING: {
    on_select: 'CANCELLING',
    on_init: 'CANCELLING',
    on_confirm: 'CANCELLING',
    'on_status:IN_PROGRESS': 'CANCELLING',
    // It was over before the cancel reached it.
    'on_status:COMPLETED': 'COMPLETED',
    cancel: 'CANCELLING',
    on_cancel: 'CANCELLED',
    on_update: 'CANCELLING',
    // The confirm was refused: nothing is left to cancel.
    decline: 'DECLINED',
    expire: 'CANCELLING',
  },
  CANCELLED: {
    on_select: 'CANCELLED',
    on_init: 'CANCELLED',
    on_confirm: 'CANCELLED',
    'on_status:IN_PROGRESS': 'CANCELLED',
    cancel: 'CANCELLED',
    on_cancel: 'CANCELLED',
    on_update: 'CANCELLED',
    decline: 'CANCELLED',
    expire: 'CANCELLED',
  },
  DECLINED: { cancel: 'DECLINED', on_cancel: 'DECLINED', decline: 'DECLINED', expire: 'DECLINED' },
  // A late on_confirm is refused: the relief was bought elsewhere, and the cancel that follows frees the capacity.
  EXPIRED: { cancel: 'EXPIRED', on_cancel: 'EXPIRED', decline: 'EXPIRED', expire: 'EXPIRED' },
};

export type OrderMove =
  | { readonly ok: true; readonly state: OrderState; readonly applied: boolean }
  | { readonly ok: false; readonly code: 'ORD_STATE'; readonly message: string };

/**
 * @param state undefined when there is no such order yet: only `select` makes one
 * @returns `applied` false when the order was there already (a repeat, or a message that came late)
 */
export function nextOrderState(state: OrderState | undefined, event: OrderEvent): OrderMove {
  const next = state === undefined ? (event === 'select' ? 'SELECTING' : undefined) : TABLE[state][event];
  if (next === undefined) {
    const where = state === undefined ? 'does not exist' : `is ${state}`;
    return { ok: false, code: 'ORD_STATE', message: `${event} cannot apply: the order ${where}` };
  }
  return { ok: true, state: next, applied: next !== state };
}

const FINAL: ReadonlySet<OrderState> = new Set(['COMPLETED', 'CANCELLED', 'DECLINED', 'EXPIRED']);

/** Nothing moves the order any more. */
export function isFinal(state: OrderState): boolean {
  return FINAL.has(state);
}
