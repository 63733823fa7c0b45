/** Bounds of the audit log, each with its reason. */

/** Records are sealed this long after the first one waits: many share one write, and none waits long. */
export const SEAL_AFTER_MS = 100;
/** Records of one batch, which is one transaction: about 10 ms of hashing, during which an embedded database waits. */
export const SEAL_BATCH = 250;
/** Batches of one sealing run; more wait for the next. */
export const SEAL_BATCHES = 80;
/** Pause after a failed sealing. */
export const SEAL_RETRY_MS = 1_000;
/** An unsealed record older than this raises the alarm. */
export const UNSEALED_ALARM_MS = 5_000;
/** Records of one read. */
export const READ_RECORDS = 5_000;
/**
 * A checkpoint is written this long after the first record that has none: until then who owns the database could
 * rewrite it unseen. A quiet participant writes none at all, a busy one some hundred thousand small files a year.
 */
export const CHECKPOINT_AFTER_MS = 60_000;
export const CHECKPOINT_RETRY_MS = 5_000;
/** Checkpoints of one run; more wait for the next. */
export const CHECKPOINTS_OF_A_RUN = 20;
/** Checkpoints fetched side by side while a chain is verified: each takes two round trips to an object store. */
export const CHECKPOINTS_READ_AT_ONCE = 8;
