/** Bounds of backups, each with its reason. */

/** Files of one backup: an archive of a year of orders, some three files each. */
export const BACKUP_ENTRIES = 1_000_000;
/** The list of a million files. */
export const MANIFEST_BYTES = 268_435_456;
/** Last words of pg_dump or pg_restore that are repeated. */
export const PROGRAM_OUTPUT_CHARS = 4_000;
