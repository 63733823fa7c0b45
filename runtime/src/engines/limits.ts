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
  /** Connections of one process to a server: handlers at work plus telemetry; ten processes fit in its usual hundred. */
  serverConnections: 10,
  /** Time to connect, and to wait for a connection of the pool: within it a service is slow, after it it is down. */
  serverConnectMs: 10_000,
  /** An idle connection is given back to the server after this. */
  serverIdleMs: 30_000,
  /** First probe of a silent connection: a peer that vanished is noticed in seconds, not in the system's two hours. */
  serverKeepAliveMs: 10_000,
  /** A statement that takes longer is cancelled: it holds locks that others wait for. */
  serverStatementMs: 30_000,
  /** A server that has not even cancelled by then is gone; the connection is dropped. */
  serverSilenceMs: 5_000,
  /** A transaction that does nothing for this long is a bug, and holds its locks. */
  serverIdleInTransactionMs: 60_000,
  /** Starts of several processes at once migrate one after the other; a start waits this long for the others. */
  migrationWaitMs: 60_000,
  /** One statement of a migration: an index over a year of telemetry takes minutes. */
  migrationStatementMs: 600_000,
  /** Statements of the job queues of one process that run side by side. */
  queueConnections: 6,
  /** Connections that wait for notifications, one a queue with a worker. */
  queueListeners: 64,
  /** A producer learns this fast that the queue is away: its outbox relay tries again. */
  queueAddMs: 1_000,
  /** A job that another process may do counts as work of this one no longer than this. */
  queueHoldMs: 2_000,
  /** Time for the first connection to a queue server that is starting beside us. */
  queueFirstConnectMs: 10_000,
  queueConnectMs: 3_000,
  /** Longest pause between two attempts to reach a queue server again. */
  queueReconnectMs: 1_000,
  /** A connection that is silent this long is probed, so that a peer that vanished is noticed. */
  queueKeepAliveMs: 10_000,
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
  /** Correlation data of MQTT 5: a command's id has 36 bytes. */
  busCorrelationBytes: 256,
  /** `flex/v1/{aggregator}/{der}/{kind}` has five. */
  busTopicLevels: 8,
  /** Filters one account may hold at a time. */
  busFilters: 32,
  /** A socket that has not said CONNECT by then is closed. */
  busConnectMs: 5_000,
  /** A publish that is not acknowledged by then is rejected. */
  busPublishMs: 5_000,
  /** How often those are looked for: a command that is given up this much late is not late for its device. */
  busWatchMs: 100,
  busReconnectMs: 500,
  /** Pause between two rounds of a service that started without its broker; each round has the bound of a first connection. */
  busAgainMs: 1_000,
  /** A connection that fails in the same way is said again after this: it is tried twice a second. */
  busLogMs: 60_000,
  /** Publishes waiting for an acknowledgement in one client. */
  busInFlight: 20_000,
  /** A subscriber that takes nothing off its socket for this long is dropped: it would hold everybody's memory. */
  busDrainMs: 10_000,
  busConnections: 20_000,
  /** Messages a second one account may publish, and how many at once; a fleet in fast motion stays below a third. */
  busPublishRate: 1_000,
  busPublishBurst: 2_000,
  /** The same for an account that commands a fleet: every device of the largest portfolio, at once, each second. */
  busFanOutRate: 20_000,
  busFanOutBurst: 20_000,
  /** Time for the first connection to a broker that is not up yet. */
  busFirstConnectMs: 10_000,
  busCloseMs: 2_000,
  /** One event: an audit record with all its members is below 64 KB, a finding with its forecast below 8 KB. */
  eventsMessageBytes: 262_144,
  /** Bytes of one request to a broker, whose own bound for a batch is 1 MB by default. */
  eventsBatchBytes: 786_432,
  /** Events waiting for the broker, and their bytes: beyond it publishing is refused at once. */
  eventsQueued: 10_000,
  eventsQueuedBytes: 33_554_432,
  /** A publish that is not acknowledged by then is rejected; the outbox tries again. */
  eventsPublishMs: 5_000,
  eventsConnectMs: 2_000,
  /** One request to a broker. With the retries below an exchange with a broker that is away ends by itself. */
  eventsRequestMs: 4_000,
  eventsRetries: 3,
  eventsRetryMs: 150,
  eventsRetryLongestMs: 1_000,
  /** From asking for a subscription until it stands: joining a group waits for its other members. */
  eventsSubscribeMs: 20_000,
  /** Of what the broker says will pass: no leader or coordinator yet. With their pauses some ten seconds. */
  eventsPassingAttempts: 6,
  /** Pause before a subscription that broke is made anew; doubles up to the longest. */
  eventsResubscribeMs: 250,
  eventsResubscribeLongestMs: 5_000,
  /** A process that says nothing for this long leaves its partitions to the others of its group. */
  eventsSessionMs: 6_000,
  eventsHeartbeatMs: 2_000,
  eventsRebalanceMs: 10_000,
  /** A fetch waits this long for events; shorter costs requests, longer costs the first event nothing. */
  eventsFetchWaitMs: 500,
  eventsFetchBytes: 4_194_304,
  eventsPartitionBytes: 1_048_576,
  /** Partitions handled side by side in one subscription. */
  eventsPartitionsAtOnce: 4,
  /** Tries of a handler in a group, and the pause between them: together longer than a database's restart. */
  eventsHandlerAttempts: 60,
  eventsHandlerPauseMs: 1_000,
  eventsCloseMs: 5_000,
  /** Characters of a password file: a password, no other file. */
  eventsPasswordChars: 1_024,
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
