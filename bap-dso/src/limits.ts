/** Every bound of the DSO, each with its reason. What an operator may want to change is in the configuration instead. */

/** A feeder sample is about 200 bytes; more is not one. */
export const TELEMETRY_MAX_BYTES = 2_048;
/** RTU clocks drift by seconds; a sample from further ahead would freeze its feeder until time catches up. */
export const TELEMETRY_FUTURE_MS = 60_000;
/** Live samples are kept this long: the forecast looks back an hour, baselines five minutes. */
export const SERIES_KEPT_MS = 70 * 60_000;
/** And no more than this many a feeder: over an hour at one a second. */
export const SERIES_SAMPLES = 8_192;
/** Readings kept a feeder: sixty days, the look-back of a baseline and ample to fit the forecast. */
export const HISTORY_DAYS = 60;
/** A file of readings to evaluate: two transformers for a year at a reading in five minutes, with room. */
export const POWER_FLOW_MAX_BYTES = 64 * 1_048_576;
/** Readings an evaluation takes: a year at one in five minutes. */
export const POWER_FLOW_MAX_READINGS = 110_000;
/** Calendar facts remembered for each pace of readings: the days of a history at one reading in five minutes, twice. */
export const SLOTS_REMEMBERED = 2 * HISTORY_DAYS * 288;
/**
 * Looking up, before a callback is acknowledged, what was asked of its sender: past this the sender hears 503. A database
 * that hangs has to be told within a second (wall), and the store behind this step has a bound of its own.
 */
export const EXCHANGE_CHECK_MS = 500;
/** Pause before a topic of the stream that could not be read is asked for again; doubles up to the longest. */
export const STREAM_RETRY_MS = 1_000;
export const STREAM_RETRY_LONGEST_MS = 15_000;
/** Readings before a finding that travel with it: the five minutes of a baseline, at one each ten seconds. */
export const FINDING_READINGS = 32;
/** Grid time that a finding of the edge is held for an answer; past it the edge may find the overload again. */
export const UNHEARD_MS = 120_000;
/** Grid time past the end of an event's window until the edge stops waiting to hear of its release. */
export const UNRELEASED_MS = 300_000;
/** Readings that wait for the database a service; beyond it the oldest are dropped and counted, detection goes on. */
export const READINGS_WAITING = 20_000;
/** Rows of one insert: some milliseconds, so that a judgement never waits long for the database behind it. */
export const READINGS_BATCH = 2_000;
/** Feeder readings kept: the longest look-back of a baseline and a month to dispute what came of it. */
export const READINGS_KEPT_MS = 92 * 86_400_000;
export const READINGS_PRUNED_EVERY_MS = 6 * 3_600_000;
/** A statement that fails is tried again this often before its readings are given up and counted. */
export const READINGS_ATTEMPTS = 3;

/** Inputs of the forecast are gathered as often as they have figures. */
export const INPUTS_EVERY_MS = 30 * 60_000;
/** Half hours kept of one: a history, two weeks ahead and a day more. */
export const INPUT_SLOTS = (HISTORY_DAYS + 16) * 48;
/** Feeders of one process: 100 kB each, and once a minute from all of them a hundredth of what a core can judge. */
export const FEEDERS = 10_000;
/** Up to this many feeders fit as they are read: together some tens of milliseconds a half hour. More are fitted in turns. */
export const FITS_AT_ONCE = 4;
/** Up to this many feeders learn their bands from history at the start, a fraction of a second each; more learn them live. */
export const WARMED_UP_FEEDERS = 32;
/** Feeders take turns to be written: each once an hour of grid time, so that a crash leaves an hour to replay. */
export const STATE_EVERY_MS = 5 * 60_000;
export const STATE_TURNS = 12;
/** States of one statement: about a megabyte and a half. */
export const STATE_WRITE_BATCH = 16;
export const STATE_READ_BATCH = 64;
/** Wall time that a service that stops gives to writing them: within the grace of an orchestrator. */
export const STATE_DRAIN_MS = 5_000;
/** What was read after a state was taken is followed sample by sample up to this; past it a fit on half hours is as good. */
export const STATE_REPLAYED_MS = 6 * 3_600_000;
export const STATE_REPLAYED_SAMPLES = 8_192;

/** Horizons of the forecast, in half hours: four hours, twice as far as a feeder event is bought ahead. */
export const FORECAST_STEPS = 8;
/** Residuals a horizon from which its 90 % band is taken: one week, so that the band follows the season. */
export const CONFORMAL_WINDOW = 336;
/** Fewer residuals give no meaningful 90 % quantile. */
export const CONFORMAL_MINIMUM = 20;
/** Half hours with a complete set of lags that a fit needs: a week of targets after the week that the lags reach back. */
export const FIT_MINIMUM_ROWS = 336;
/** After an event the load rebounds and its slope says nothing of the next hour; the measured rule stays armed. */
export const FORECAST_QUIET_MS = 10 * 60_000;

/** An anomaly is over when its symptom was absent this long (grid time): a value that swings raises one alarm, not many. */
export const ANOMALY_CLEAR_MS = 10 * 60_000;
/** Changes of the edge that are known again when they are repeated: hours of them. */
export const ANOMALIES_REMEMBERED = 4_096;
/** A rise within this is no usual one: of a primary's half-hourly readings the steepest is a fifth of this pace. */
export const RISE_WITHIN_MS = 5 * 60_000;
export const RISE_SHARE = 0.15;
export const RISE_CALM_SHARE = 0.075;
/** Below this share of its limit a feeder counts as empty: what falls from above it to a fifth of its mean collapsed. */
export const COLLAPSE_BELOW_SHARE = 0.1;
export const COLLAPSE_TO_SHARE = 0.2;
/** A meter with three decimals repeats a value by chance, not for this long. */
export const STUCK_MS = 30 * 60_000;
export const STUCK_SAMPLES = 10;
/** Protection trips at a few times the rating within seconds; what is said beyond this was not measured. */
export const IMPOSSIBLE_TIMES = 10;
/** W for kW, or MW; loads move by less than the tolerance between two readings. */
export const UNIT_FACTOR = 1_000;
export const UNIT_TOLERANCE = 0.2;
/** Feeders are looked over for silence this often (grid time): a twelfth of the silence that is an anomaly would be as good. */
export const SILENCE_CHECK_MS = 60_000;
/** As far back another process is asked for: ample for the longest interval that is allowed to pass. */
export const SILENCE_LOOKED_BACK_MS = 6 * 3_600_000;
/** So many usual intervals without a reading are missing ones. */
export const MISSING_INTERVALS = 3;

/** Length of an activation window: below it nothing is worth a command, above it few devices can hold. */
export const WINDOW_MIN_MINUTES = 30;
export const WINDOW_MAX_MINUTES = 150;
/** Steps of the load-fall search of the window length. */
export const WINDOW_STEP_MINUTES = 30;

/** Blocks one plan looks at; the cheapest come first, the rest is named as excluded. */
export const PLAN_OFFERS = 10_000;
/** Blocks the proving search looks at: it goes one deeper for each. */
export const SEARCH_BLOCKS = 64;
/** Branches of the proving search: some milliseconds. A usual catalogue needs a few hundred. */
export const PLAN_NODES = 20_000;
/** A cost that lies above the cheapest by less than this share of itself is as good. */
export const PLAN_GAP = 1e-4;
/** Wall time of the solver where the search does not prove its plan: a fifth of the aim for a whole activation. */
export const PLAN_SOLVE_MS = 100;
/** Beyond its own bound, for the way there and back. */
export const SOLVER_GRACE_MS = 50;
/** Plans that wait for the solver: more would wait longer than their bound. */
export const SOLVER_QUEUE = 4;
/** Columns up to which several needs are covered by what gives most as well: it looks at all of them at each step. */
export const JOINT_GREEDY_COLUMNS = 2_000;
/** Needs one joint plan has: a fault above them seldom meets more feeders, and the others are planned after it. */
export const JOINT_NEEDS = 20;
/**
 * Wall time that an event with its offers waits for one that it is coupled with and that still gathers: the time a
 * catalogue is waited for after the first. An event that is coupled with no other does not wait.
 */
export const TOGETHER_WAIT_MS = 250;
/** Windows of overloads found within a minute end within one: a feeder is read once a minute. */
export const JOINT_WINDOW_SLACK_MS = 60_000;
/** It keeps its memory as long as it lives: it ends when no plan has needed it for this long. */
export const SOLVER_IDLE_MS = 600_000;
/** Of JavaScript; that of the solver itself grows with the plan, 140 to 240 MB at 10,000 blocks. */
export const SOLVER_MEMORY_MB = 128;
/** Power of one device in the chance that a plan falls short: a home's battery or charger. */
export const OPTION_UNIT_KW = 3;
/** Rules of who decides: one for each of the feeders a process has and a few for all. */
export const MODES = 2_000;
/** What the operator has to decide where nothing else is said. */
export const DECISION_COUNTDOWN_S = 120;
/** An aggregator that answers says "from now on", and its now is later than ours by the way there. */
export const AVAILABILITY_SLACK_MS = 5_000;
/** Exclusions and options one record names; the rest is counted. */
export const PLAN_NAMED = 50;
/** Characters of one list of them: what is chosen and what is not are both in a record's text. */
export const PLAN_NAMED_TEXT = 800;
/** Characters of one input of a rule in a record. */
export const RULE_INPUT_TEXT = 1_900;
/**
 * The search after one that nobody answered waits so many times as long: a market that is slow, on a machine under load or
 * just started, is better than none, and the time in which relief was promised has passed already.
 */
export const SEARCH_AGAIN_PATIENCE = 5;
/** Catalogues a gather keeps: one a known BPP, and as many from newcomers. */
export const GATHER_CATALOGUES = 256;
/** How long a silent BPP is not waited for: longer than any event's buying, short enough to be back for the next. */
export const UNRESPONSIVE_MS = 60_000;
/** Subscribers remembered before the registry is asked again. */
export const COUNTERPARTIES_FRESH_MS = 10_000;
/** A timer of ours that fires so late shows that this process is overloaded: an answer may be here unread. */
export const BEHIND_MS = 200;
/** Waits for one answer at most: three seconds of our own overload, and no more, delay the replacement of a silent BPP. */
export const ANSWER_WAITS = 4;
/** A cancel must reach the BPP even when it is away for a while: it is delivered or alarmed within this. */
export const CANCEL_TTL_MS = 60_000;
/** A rating that does not arrive is no loss. */
export const RATING_TTL_MS = 60_000;
/** A question about an order that nobody waits for: tracking, a contact. */
export const ASK_TTL_MS = 30_000;
/** Status requests are answered at once or not needed. */
export const STATUS_TTL_MS = 10_000;
/** Open events a service, one a feeder at most: a tenth of the feeders of a process over their limit at once. */
export const OPEN_EVENTS = 1_000;
/** Gap that is worth a further order. */
export const GAP_MIN_KW = 0.5;
/** Of the way from limit to release level: from there on a load is topped up before it reaches the limit. */
export const GUARD_SHARE = 0.4;
/** Share of a commitment that may be missing before it counts as a shortfall: the noise of a feeder's reading. */
export const SHORTFALL_TOLERANCE = 0.05;
/** Five minutes before dispatch: the operational baseline. */
export const OPERATIONAL_BASELINE_MS = 5 * 60_000;
/** Grid time after its window until an order that did not report completion is asked: its last half hour has to be metered first. */
export const COMPLETION_ASK_MS = 40 * 60_000;
/** Grid time after its window until an order that stays silent is an alarm. */
export const COMPLETION_CLOSE_MS = 60 * 60_000;
/** Settlement waits for a BPP to serve its meter document: about an hour of tries. */
export const SETTLE_ATTEMPTS = 12;
export const SETTLE_BACKOFF_MS = 1_000;
/** Largest history of one feeder in the configuration. */
export const HISTORY_READINGS = 2 * HISTORY_DAYS * 48;
/** Tries of a step of an event that failed on the database, a second apart: past it the next sample or a restart goes on. */
export const STEP_ATTEMPTS = 30;
export const STEP_PAUSE_MS = 1_000;
/** Grid time after relief is due until missing telemetry is an alarm. */
export const TELEMETRY_WAIT_MS = 120_000;
/** One health check: a dependency that does not answer in this time is away. */
export const HEALTH_TIMEOUT_MS = 1_000;
/** Effects leave at once; what waits longer than a peer's usual time-to-live is a fault. */
export const OUTBOX_AGE_MS = 30_000;
/** Records are sealed in batches many times a second. */
export const UNSEALED_AGE_MS = 30_000;
/** Without a sample for this long (grid time) a feeder's reading is called stale. */
export const STALE_MS = 5 * 60_000;
/** Orders are changed by rule this often (grid time), and not sooner after the relief began: devices and load settle first. */
export const CHANGE_EVERY_MS = 10 * 60_000;
/** Of a commitment that is not given back though it is not needed now: the noise of the load and of the forecast. */
export const CHANGE_MARGIN_SHARE = 0.1;
/** Changes of one order that a report of it is compared with. */
export const CHANGES_LOOKED_AT = 10;
/** Less than this is not worth a message to all its devices. */
export const CHANGE_LEAST_SHARE = 0.2;
export const CHANGE_LEAST_KW = 1;
/** Grid time before its end in which a window is prolonged: some readings, and the notice that an aggregator may need. */
export const PROLONG_BEFORE_MS = 6 * 60_000;
/** Top-ups bought on missing acknowledgements alone, one a tier of fallback: the rest is kept for what the feeder shows. */
export const ACKNOWLEDGED_TOP_UPS = 2;
/** Grid time for which offers are asked for again without a search: what is free at an aggregator changes with its devices. */
export const FALLBACK_FRESH_MS = 30 * 60_000;

/** Devices that may be excluded at once: by then it is the aggregator that should be. */
export const EXCLUDED_DERS = 2_000;
/** Devices kept of one aggregator: a large portfolio. What reports name beyond is not kept. */
export const DERS_PER_AGGREGATOR = 20_000;
/** Orders remembered of each device: enough to judge it by, small enough for every device of the network. */
export const DER_ORDERS = 10;
/** Feeders of which one catalogue may say what it leaves out there. */
export const LEFT_OUT_FEEDERS = 10;
/** Catalogues remembered, one a feeder searched and aggregator; and blocks of each. The longest heard of goes first. */
export const OFFERED_CATALOGUES = 5_000;
export const OFFERED_BLOCKS = 200;
