/** Bounds of the engines, each with its reason. Times are wall-clock milliseconds. */
export const engineLimits = {
  /** A statement waits this long for the one PGlite session; longer means a transaction that never ends. */
  sessionWaitMs: 30_000,
  /** Waiters for the session: beyond it the work would be older than any time-to-live when its turn came. */
  sessionWaiters: 10_000,
  /** A closing database waits this long for the transaction that is running. */
  databaseCloseMs: 5_000,
  /** Between two rounds of maintenance; each holds the session for tens of milliseconds. */
  maintenanceMs: 120_000,
  /** Dead rows from which a table is vacuumed. */
  deadRows: 2_000,
  /** Statements kept prepared in the one session: each costs tens of kilobytes of its memory. */
  preparedStatements: 256,
  /** Longer statements (batch inserts of varying length) are parsed each time: they would push out the others. */
  preparedStatementChars: 8_192,
  /** Statements seen once and not yet prepared. */
  seenStatements: 2_048,
  /** A producer learns this fast that the queue is away: its outbox relay tries again. */
  queueAddMs: 1_000,
  /** Running jobs may end within this when the queue closes. */
  queueDrainMs: 10_000,
  /** A job whose process died is taken up again this long after, should nobody notice sooner. */
  queueLockMs: 10_000,
  queueStalledCheckMs: 5_000,
  /** Deaths of a process during one job before that job counts as dead: more than any kill loop, less than for ever. */
  queueStalls: 20,
  /** Idle workers look by themselves this often (seconds); a notification wakes them at once. */
  queueIdlePollS: 30,
  /** Completed jobs whose ids are remembered, so that a relay's repetition adds nothing. */
  queueCompletedKept: 1_000,
  /** Dead jobs kept for a redrive: a week of outage at the rate of a demonstration. */
  queueDeadKept: 10_000,
  /** Longest pause of the exponential backoff. */
  queueBackoffCapMs: 60_000,
  /** Bytes of one MQTT payload: the largest device message is below 2 KB. */
  busPayloadBytes: 16_384,
  busTopicBytes: 512,
  /** `flex/v1/{aggregator}/{der}/{kind}` has five. */
  busTopicLevels: 8,
  /** Filters one account may hold at a time. */
  busFilters: 32,
  /** A socket that has not said CONNECT by then is closed. */
  busConnectMs: 5_000,
  /** A publish that is not acknowledged by then is rejected. */
  busPublishMs: 5_000,
  busReconnectMs: 500,
  /** Publishes waiting for an acknowledgement in one client. */
  busInFlight: 20_000,
  /** A subscriber that takes nothing off its socket for this long is dropped: it would hold everybody's memory. */
  busDrainMs: 10_000,
  busConnections: 20_000,
  /** Messages a second one account may publish, and how many at once; a fleet in fast motion stays below a third. */
  busPublishRate: 1_000,
  busPublishBurst: 2_000,
  /** Time for the first connection to a broker that is not up yet. */
  busFirstConnectMs: 10_000,
  busCloseMs: 2_000,
  /** Characters of an archive key. */
  archiveKeyChars: 512,
  /** Bytes of one object: the settlement of the largest order. */
  archiveObjectBytes: 64 * 1024 * 1024,
  /** Keys of one page of a listing, as many as S3 gives; and pages, a million checkpoints. */
  archivePageKeys: 1_000,
  archivePages: 1_000,
  /** One call to an object store, its tries included: the largest object over a slow line. */
  archiveCallMs: 60_000,
  archiveRequestMs: 30_000,
  archiveConnectMs: 3_000,
  archiveAttempts: 3,
  /** Longest retention, a hundred years: a typing mistake cannot be taken back. */
  archiveRetentionDays: 36_500,
  /** Bytes of a file that holds a secret. */
  archiveSecretBytes: 4_096,
} as const;
