/** Bounds of the audit chain, each with its reason. */

/** Records of one checkpoint: their hashes make a file of 70 KB, and its schema allows no more. */
export const CHECKPOINT_RECORDS = 1_000;
