/** Bounds of a reconciliation, each with its reason. */

/** Orders of one aggregator: years of a large one; each is read by itself, so that memory holds one at a time. */
export const ORDERS_OF_ONE_ANSWER = 20_000;
/** Differences that one answer names; all are counted. */
export const NAMED_DIFFERENCES = 1_000;
