/** Bounds of the audit chain, each with its reason. */

/** Records of one checkpoint: their hashes make a file of 70 KB, and its schema allows no more. */
export const CHECKPOINT_RECORDS = 1_000;
/** An evidence bundle: 20,000 records of a kilobyte and their checkpoints, 70 KB each, with room to spare. */
export const BUNDLE_BYTES = 128 * 1024 * 1024;
export const BUNDLE_RECORDS = 20_000;
/** A record's `rule_inputs` are the deepest and widest part; no text of a record is longer than a few thousand characters. */
export const BUNDLE_JSON = { maxDepth: 8, maxMembers: 128, maxArrayLength: 20_000, maxStringLength: 16_384 };
