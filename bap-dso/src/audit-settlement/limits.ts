/** Bounds of settlement, each with its reason. */

/** The meter document of an order: some hundred meters with their baseline history, about 130 bytes a row. */
export const METER_DOCUMENT_BYTES = 32 * 1024 * 1024;
/** A meter document is three levels deep; its schema bounds the lists. */
export const METER_DOCUMENT_JSON = { maxDepth: 4, maxMembers: 16, maxArrayLength: 500_000, maxStringLength: 256 };
/** Rows of one INSERT: six parameters each, PostgreSQL takes 65,535. */
export const INSERT_ROWS = 1_000;
/** Audit records in memory at once while a chain is verified or exported. */
export const AUDIT_BATCH = 1_000;
/** Rows of one settlement report: about 60 MB of JSON; past it the caller narrows the dates. */
export const MAX_REPORT_ROWS = 20_000;
/** Orders of one statement: an aggregator with three activations of a feeder an hour for a month, ten times over. */
export const MAX_STATEMENT_ORDERS = 20_000;
/** Activations of one month's usage: the same for a whole DSO. */
export const MAX_USAGE_ACTIVATIONS = 50_000;
/** Orders that one run settles anew: a day of a large DSO, about ten minutes. */
export const MAX_RUN_ORDERS = 20_000;
/** Feeders in one usage answer. */
export const MAX_USAGE_ROWS = 1_000;
/** Checkpoints that one verdict names as missing or altered. */
export const NAMED_CHECKPOINT_FAULTS = 20;
/** Half hours of one impact report: a thousand feeders for ten days, or fifty for half a year. */
export const MAX_IMPACT_ROWS = 500_000;
/** Feeders without an export limit that a report names; the rest is counted. */
export const FEEDERS_NAMED = 10;
