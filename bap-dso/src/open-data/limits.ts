/** Bounds of open data, each with its reason. Wall-clock milliseconds unless the name says otherwise. */

/** An open-data portal answers in seconds; a slower one is taken up again by the next refresh. */
export const REQUEST_MS = 30_000;
/** A page of rows is some hundred kilobytes. */
export const PAGE_BYTES = 8 * 1024 * 1024;
/** An export of a day of all transformers of a licence area is about five megabytes. */
export const EXPORT_BYTES = 64 * 1024 * 1024;
/** Rows of one reply that are read; an export of a day has fifty thousand. */
export const REPLY_ROWS = 200_000;
/** Rows of a data set that are held for events and forecasts: two weeks of half hours many times over. */
export const HELD_ROWS = 5_000;
/** Portals ask for politeness in words; where no figure is published we use this one. */
export const POLITE_GAP_MS = 1_000;
/** NESO's advice: one request a second, and two a minute on the datastore. */
export const NESO_GAP_MS = 1_000;
export const NESO_DATASTORE_GAP_MS = 30_000;
/** Callers that may wait for their turn at one source; more is a mistake of ours. */
export const TURN_WAITING = 64;
/** A source that asks for a longer pause than this is not waited for: the refresh comes back when it may. */
export const HOLD_MOST_MS = 120_000;
/** Quotas are of a day at most: a reset further away is a mistake of the source, and no timer reaches it. */
export const HOLD_LONGEST_MS = 24 * 3_600_000;
/** What a 429 without a readable reset time is taken to ask for. */
export const HOLD_UNSAID_MS = 60_000;
/** The portal of UK Power Networks: rows a page, and the end of what paging reaches. */
export const UKPN_PAGE_ROWS = 100;
export const UKPN_PAGING_END = 10_000;
/** CKAN gives at most 32,000 rows a request; a page this size stays far below PAGE_BYTES. */
export const NESO_PAGE_ROWS = 5_000;
/** Pages of one reading of a data set: at two requests a minute more would take longer than its refresh period. */
export const NESO_PAGES = 20;
/** Resource ids rotate with publications, not by the hour. */
export const NESO_RESOURCE_FRESH_MS = 24 * 3_600_000;
/** A failed refresh is tried again after this, doubling up to the period of the data set. */
export const RETRY_LEAST_MS = 30_000;
/** Share of a period by which a refresh is early or late, so that data sets do not all ask at once. */
export const JITTER_SHARE = 0.1;
/** Starts of the first refreshes are spread over this. */
export const START_SPREAD_MS = 20_000;
/** Faults, constraints and reasons one event's context names; the rest is counted. */
export const CONTEXT_NAMED = 10;
/** Characters of a text from outside that go into an error, a view or a record. */
export const TEXT_SHOWN = 200;
/** Tries of one part of a history before it is given up, and the first pause between them. */
export const PART_ATTEMPTS = 4;
export const PART_PAUSE_MS = 2_000;
/** Parts of one history: ten years of days. */
export const HISTORY_PARTS = 3_700;
/** Transformers that one history may be narrowed to: the query stands in a URL. */
export const HISTORY_TX_IDS = 50;
/** A key file holds one short line. */
export const KEY_FILE_BYTES = 4_096;
