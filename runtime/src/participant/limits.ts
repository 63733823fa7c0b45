/** Bounds of the participant layer, each with its reason. */

/** Largest `/on_subscribe` body: one challenge. */
export const CHALLENGE_BODY_BYTES = 8_192;
/** Read beyond a body's limit and thrown away: who sends a little too much hears so instead of a reset connection. */
export const BODY_OVERRUN_BYTES = 1_048_576;

/** Handlers at work at one moment: about what a database pool serves. */
export const HANDLERS_AT_ONCE = 8;
/** Messages acknowledged and not yet handled. Above it the answer is 503: an ACK promises action in time. */
export const BACKLOG_MESSAGES = 2_000;
/** A backlog older than this would outlive the usual time-to-live of 30 s; new work is refused. */
export const BACKLOG_AGE_MS = 25_000;
/**
 * New work is refused, too, when what is before it takes longer than this at the pace of late. A third of the usual
 * time-to-live: the rest is for the handler, the delivery, and a pace that falls.
 */
export const BACKLOG_WAIT_MS = 10_000;
/** Weight of the last message in that pace: some twenty tell. */
export const PACE_WEIGHT = 0.05;
/** Attempts of a handler, then alarm. With the pauses below a passing fault of some 3 s is survived. */
export const HANDLER_ATTEMPTS = 5;
export const HANDLER_BACKOFF_MS = 200;
/** Tries of a transaction that the database ends for the sake of another: each time one of them gets through. */
export const VICTIM_ATTEMPTS = 5;
/** Database writes on the way to an ACK: past this the sender hears 503 rather than nothing (promise: < 1 s). */
export const STORE_TIMEOUT_MS = 900;

/** One POST to a counterparty: past this it counts as hanging. */
export const POST_TIMEOUT_MS = 5_000;
/** What even a message at the end of its time is given. */
export const POST_LEAST_MS = 500;
/** An ACK is some 50 bytes, a NACK with paths some hundred. */
export const ACK_BYTES = 65_536;
/** POSTs in flight to one counterparty, so that a slow one holds no other's connections. */
export const POSTS_PER_COUNTERPARTY = 8;
/** POSTs in flight to all of them: a multicast to a large network, yet no flood of sockets. */
export const POSTS_AT_ONCE = 256;
/** First pause after a failed delivery; doubles up to the longest. */
export const DELIVERY_BACKOFF_MS = 200;
export const DELIVERY_BACKOFF_LONGEST_MS = 5_000;
/** Longest life of a signature, whatever the time-to-live. BECKN-006 leaves it open; peers cap at this. */
export const SIGNATURE_LIFETIME_MS = 300_000;
/** Undelivered rows held in memory; further ones stay in the database until the sweep. */
export const OUTBOX_IN_MEMORY = 5_000;
/** Events waiting for the stream in memory; while there are more they stay in the database. */
export const EVENTS_IN_MEMORY = 2_000;
/** How long closing waits for a publish under way; what it does not hear of is published once more. */
export const EVENTS_CLOSE_MS = 1_500;
/** How long closing waits for POSTs that are out: one whose answer is not heard is repeated. */
export const OUTBOX_CLOSE_MS = 1_500;
/** Events of one publish: some hundred kilobytes. */
export const EVENT_BATCH = 500;
/** Rows one sweep loads: more than a full backlog, so that a restart takes it up at once. */
export const SWEEP_ROWS = 2_500;
/** Rows one round of pruning removes. */
export const PRUNE_ROWS = 500;
/** Pause between sweeps of the database: they only find what a crash or an overflow left. */
export const SWEEP_EVERY_MS = 10_000;
/** The same where other processes share the tables: what a dead one left is late by this. */
export const SHARED_SWEEP_MS = 1_000;
/** A message that its process has not handled by then is anybody's: a handler takes some ten milliseconds. */
export const TAKE_OVER_AFTER_MS = 2_000;
/** An effect belongs to its process this long, renewed at each sweep: a pause of that process is no reason to take it. */
export const LEASE_MS = 5_000;
/** Between two looks at who runs what only one process runs. */
export const LEADER_CHECK_MS = 1_000;
/** A database that does not answer its leader by then may have given the place to another. */
export const LEADER_ANSWER_MS = 3_000;
/** Pause before effects are offered again to an engine that was away. */
export const ENGINE_RETRY_MS = 1_000;
/** Pause between looks at waiting lanes, in memory. */
export const TICK_MS = 500;
/** Delivered marks are written together, out of the way of an activation; a crash in between only repeats a delivery. */
export const MARK_AFTER_MS = 250;
export const MARK_ROWS = 200;
/** A database that takes no marks is asked again so soon. */
export const MARK_AGAIN_MS = 1_000;
/** How long a delivery under way holds a stepped scenario: a living peer answers far sooner, a hanging one must not stop time. */
export const ACTIVITY_HOLD_MS = 2_000;
/** Attempts of the undelivered hook before the row is closed without it, with an alarm. */
export const UNDELIVERED_ATTEMPTS = 3;

/** Delivered outbox rows are kept a day for inspection, inbound ones a week: far beyond any signature's life. */
export const OUTBOX_KEPT_MS = 86_400_000;
export const INBOUND_KEPT_MS = 7 * 86_400_000;

/** Registry answers: fresh for this long; then used while a new one is fetched in the background. */
export const KEY_FRESH_MS = 30_000;
/** Past this an answer is fetched before use: the longest a revoked key is still honoured while the registry answers. */
export const KEY_REFRESH_MS = 60_000;
/** While the registry is away its answers count this long: a restart or a failover, but not what was revoked since. */
export const KEY_STALE_MS = 3_600_000;
/** A failed signature has its key fetched again, but not more often than this: bad signatures cost the registry little. */
export const KEY_FORCED_MS = 1_000;
/** Unknown subscribers and keys are remembered as unknown. Short, because a newcomer should not wait. */
export const KEY_NEGATIVE_MS = 5_000;
export const KEY_ENTRIES = 2_000;
/** Subscriber lists (gateway, BPPs of a domain and city). */
export const LIST_FRESH_MS = 5_000;
export const LIST_ENTRIES = 100;
/** Records of one list. */
export const LIST_RECORDS = 500;
/** Keys of one subscriber: two in overlap and some history. */
export const RECORDS_PER_SUBSCRIBER = 20;
/** Registry calls for senders never seen, per second and at once: a flood of invented key ids costs the registry no more. */
export const UNKNOWN_LOOKUPS_PER_S = 20;
export const UNKNOWN_LOOKUPS_AT_ONCE = 50;
/** Registry calls for subscribers already known. */
export const KNOWN_LOOKUPS_PER_S = 100;
export const KNOWN_LOOKUPS_AT_ONCE = 200;
export const REGISTRY_TIMEOUT_MS = 3_000;
export const REGISTRY_BYTES = 1_048_576;

/** Subscribing: attempts, pause (doubling), and how long the registry may take to challenge us. */
export const SUBSCRIBE_ATTEMPTS = 6;
export const SUBSCRIBE_BACKOFF_MS = 250;
export const SUBSCRIBE_TIMEOUT_MS = 15_000;
export const SUBSCRIBE_POLL_MS = 50;

/** Audit rows for rejections: each its own below this rate, one summary a second above it. */
export const REJECTIONS_AT_ONCE = 2_000;
export const REJECTIONS_PER_S = 20;
export const REJECTIONS_SUMMARY_MS = 1_000;
/** Of each header that is kept with a message: twice what a signature may have. */
export const WIRE_HEADER_CHARS = 2_048;
/**
 * Refused messages that are kept as they came: a few of a transaction, each of a usual size, and in all 32 MiB at most,
 * whoever sends them. The record of a refusal is written all the same.
 */
export const REFUSED_KEPT = 512;
export const REFUSED_KEPT_OF_TRANSACTION = 16;
export const REFUSED_BODY_BYTES = 65_536;
/** Text of others that goes into a record. */
export const RECORDED_TEXT = 300;

/** A signed GET: its signature covers no path, so its life is short. */
export const DOCUMENT_SIGNATURE_MS = 30_000;
export const DOCUMENT_TIMEOUT_MS = 10_000;

/** How long closing waits for handlers and deliveries in flight. */
export const CLOSE_WAIT_MS = 5_000;

/** First pause after the archive failed; doubles up to the longest. An outage of days is nothing unusual for storage. */
export const ARCHIVE_RETRY_MS = 1_000;
export const ARCHIVE_RETRY_LONGEST_MS = 60_000;
/** Objects taken to the archive before other work gets its turn. */
export const ARCHIVE_RUN_OBJECTS = 100;
/** What waits longer for the archive is shown as a fault; nothing else is held up by it. */
export const ARCHIVE_AGE_MS = 300_000;
