/** Bounds of who asks an operator's API. */
export const ACCESS_LIMITS = {
  /** A token of the API; what is longer is none of ours. */
  tokenChars: 256,
  /** Refused attempts to change something that get a record of their own, at once and a second; the rest is counted. */
  recorded: 100,
  recordedPerSecond: 1,
  /** Of an address in a record: no address of an API is longer. */
  pathChars: 120,
} as const;
