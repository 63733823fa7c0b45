/** Every bound of the aggregator in one place, each with its reason. */
export const LIMITS = {
  /** One database row and some memory a device; beyond this an aggregator runs more than one participant. */
  maxDers: 20_000,
  /** Items of one selection: device types times a few feeders; the schema allows no more either. */
  maxItemsPerSelection: 16,
  /** Devices of one order: its commands leave in one burst and its meter document must stay transferable. */
  maxDersPerOrder: 2_000,
  /** Commands handed to the broker side by side: enough to hide its round trip, few enough for its answers to be in time. */
  dispatchLanes: 500,
  /** Of them begun in one turn of the event loop: the answer to the confirm leaves between two, and not after all. */
  dispatchBurst: 50,
  /** Commands to nobody before the first order: as many as an order has at most; code is compiled long before that. */
  rehearsedCommands: 2_000,
  /** A broker that takes longer for them must not keep a service from being ready. Wall time. */
  rehearsalMs: 5_000,
  /** A fan-out up to this size is sent by the process that confirmed it; a larger one is shared as jobs with others that are alive. */
  dispatchBatch: 50,
  /** Jobs of one shared fan-out: enough that every process has some of it, and each claims this many commands at most. */
  dispatchJobs: 16,
  dispatchBatchMost: 250,
  /**
   * A command that one process has claimed is nobody else's for so long: more than a publish is waited for, so that no
   * two processes publish one at the same time; less than half the time a device has to answer.
   */
  commandClaimMs: 7_000,
  /** Between two looks, wall time, at what other processes of this aggregator left. */
  sharedSweepMs: 1_000,
  /** Another process counts as alive for some looks after its last sign; its row stays for a while after. */
  peerAliveMs: 5_000,
  peerForgottenMs: 60_000,
  /** Jobs one of several processes works on at a time: few, so that the others have some of a fan-out too. */
  sharedJobsAtOnce: 2,
  /** Orders one such look takes up; the next takes the rest. */
  ordersPerSweep: 200,
  /** A deadline, and a completion, are another process's until they are late by this: its own timer comes first. */
  answersGraceMs: 1_000,
  completionGraceMs: 3_000,
  /** Deadlines older than this at a start have passed while no process was there. */
  awayMs: 5_000,
  /** Live state that other processes heard is read from the tables at most this often per feeder. */
  refreshMs: 1_000,
  /** Between two counts of completed orders, which only offers quote. */
  completedCountMs: 60_000,
  /** A window that began so long ago, and needs no notice, began while its message was under way: one lives that long. */
  begunWindowMs: 30_000,
  /** A hold that lost a race is tried again with the devices that are left, this often. */
  holdRounds: 3,
  /** Telemetry waiting for the database; a day of a stuck database must not take the memory. The oldest go first. */
  maxReadingsQueued: 50_000,
  /** Readings of one insert: small enough that an order never waits long for the database behind it. */
  readingsPerInsert: 500,
  /**
   * Inserts that expect readings which are stored already, after one that met some: a broker that shares no subscription
   * gives every reading to each process.
   */
  waryInserts: 1_000,
  /** Device answers waiting for the database while commands go out: the answer and the start of each of a full portfolio. */
  maxAnswersQueued: 40_000,
  /** Answers wait this long for commands that are going out: far less than the devices' own deadline. */
  answersWaitMs: 2_000,
  /** Answers of one transaction: an order never waits long for the database behind them. */
  answersPerWrite: 5_000,
  /** Half hours of one insert of history: at enrolment nobody waits behind it. */
  halfHoursPerInsert: 5_000,
  /** Power samples kept per device: five minutes at one in five seconds. */
  maxSamplesPerDer: 60,
  /** The operational baseline looks back this far. */
  baselineMs: 5 * 60_000,
  /** A reading stamped later than this after grid time comes from a device whose clock cannot be right. */
  maxReadingLeadMs: 60_000,
  /** Readings further apart than this say nothing reliable of the energy between them: ESTIMATED. */
  maxReadingGapMs: 10 * 60_000,
  /** Raw readings kept: the longest order, and the half hour before it. Half-hour energies stay. */
  readingsKeptMs: 26 * 3_600_000,
  /** Half-hour energies kept: the longest look-back of a baseline and a month to settle. */
  halfHoursKeptMs: 92 * 86_400_000,
  /** Same-type days of history in a meter document, and the days looked through to find them. */
  historyDays: 10,
  historyLookBackDays: 60,
  /** Periods before the event whose energy adjusts a baseline in the day: three hours. */
  periodsBefore: 6,
  /** Longest activation window an order may have. */
  maxWindowMs: 24 * 3_600_000,
  /** Delay a device accepts before it returns; the device contract allows no more. */
  maxReleaseDelaySeconds: 900,
  /** Orders a reading of the API shows. */
  maxOrdersShown: 200,
  /** Orders the page shows, and those among them whose delivery is measured anew with each look. */
  ordersOnPage: 100,
  ordersMeasured: 20,
  /** Everybody who looks within this time, wall time, sees the same answer. */
  overviewMs: 500,
  /** Feeders that one look brings up to what other processes heard; the next one goes on from there. */
  feedersRefreshed: 20,
  /** Newest records looked through for searches, and those of them shown. */
  recordsSearched: 2_000,
  searchesShown: 12,
  /** Days of earnings shown. */
  earningDays: 31,
  /** Orders of these days: as many a day as the API shows. */
  ordersEarning: 31 * 200,
  /** Of them reckoned with one look, each some milliseconds, and kept; the next look goes on. */
  ordersReckoned: 50,
  /** Consumers who were asked, and of those who withdrew, shown beside the open questions. */
  answersShown: 200,
  withdrawalsShown: 50,
  /** Newest decisions about devices looked through for withdrawals. */
  changesSearched: 5_000,
  /** Subscriptions of one programme on the page; a list that long is looked through by device. */
  subscriptionsShown: 2_000,
  /** Attempts and first pause of a fan-out that the broker did not take; the commands' validity ends it before that. */
  dispatchAttempts: 8,
  dispatchBackoffMs: 250,
  /** How long closing waits for fan-outs under way: a publish that the broker does not answer is given up before. */
  closeWaitMs: 6_000,
  /** People and programs of one aggregator that may look or act. */
  maxPeople: 500,
  /** A decision and why; and a document that enrols a full portfolio. */
  decisionBytes: 8_192,
  enrolmentBytes: 8 * 1024 * 1024,
  /** Long enough for a sentence. */
  maxReasonChars: 500,
  /** Orders of one month's statement: each is reckoned from its meter document. */
  maxStatementOrders: 20_000,
  /** Rows of one page of the API. */
  maxRowsShown: 500,
  /** Activations in a row: more than most have in a day, so that an evening without a network is no defect. */
  unansweredBeforeMaintenance: 5,
  /** Programmes of one aggregator: each is read by people, and all are in memory. */
  maxProgrammes: 200,
  /** Terms that a consumer reads before agreeing. */
  maxTermsChars: 20_000,
  /** Decisions about one device that one answer of the API shows: some a month for some years. */
  maxChangesShown: 200,
  /** Between two checks of measured delivery, grid time: a telemetry interval. */
  deliveryCheckMs: 10_000,
} as const;
