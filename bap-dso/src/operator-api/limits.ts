/** Bounds of the operator API, each with its reason. */

/** Rows of one page, and how many without asking. */
export const PAGE_ROWS = 500;
export const PAGE_ROWS_DEFAULT = 100;
/** How deep paging goes; beyond it a filter is the better question. */
export const PAGE_OFFSET_MAX = 100_000;
/** One screen of records, orders and events on connect; the pages hold the rest. */
export const TAIL_RECORDS = 50;
export const SNAPSHOT_ORDERS = 200;
export const SNAPSHOT_OVERLOADS = 50;
export const SNAPSHOT_ALARMS = 100;
/** Alarms that figures are made of: a week of twenty times what a person can handle. */
export const KPI_ALARMS = 20_000;
/** A shelved alarm comes back within the shift that shelved it. */
export const SHELVE_MINUTES_MAX = 480;
/** Decisions that wait: at most one an event. */
export const SNAPSHOT_DECISIONS = 50;
/** Orders and events a summary adds up: a scenario has hundreds. */
export const SUMMARY_ROWS = 20_000;
/** Of one order: a person asks a few times, a rule less often than once in ten minutes; the record has the rest. */
export const ORDER_CHANGES_SHOWN = 20;
/** Recent load on a feeder's line: three hours in points of 90 s. */
export const RECENT_LOAD_MS = 3 * 3_600_000;
export const RECENT_POINT_MS = 90_000;
/** Points of each line of an event, drawn on some 600 pixels. */
export const RELIEF_POINTS = 300;
/** Records that the lines of an event are made of: an order has a dozen, and one more each minute at most. */
export const RELIEF_RECORDS = 10_000;
/** Searches and orders of one event: a search for each need and top-up, and a transaction more for some orders. */
export const EVENT_TRANSACTIONS = 1_000;
/** Orders of one event: a plan has some, and each top-up some more. */
export const EVENT_ORDERS = 500;
/** Days of a heat map, and the most: readings are kept for three months, of a feeder up to one a second. */
export const HEAT_DAYS = 14;
export const HEAT_DAYS_MAX = 31;
/** Feeders whose recent load comes with the snapshot, half a megabyte; of more it is asked for, feeder by feeder. */
export const SNAPSHOT_LOAD_FEEDERS = 100;
/** Feeders of one snapshot; a service watches at most a thousand. */
export const SNAPSHOT_FEEDERS = 1_000;

/** Operators watching at once. */
export const STREAM_CLIENTS = 32;
/** Unsent bytes of one client: past it the client is dropped and comes back for a snapshot. */
export const STREAM_BUFFER_BYTES = 4 * 1024 * 1024;
/** Keeps proxies from closing a quiet stream and tells the client that the server lives. */
export const STREAM_HEARTBEAT_MS = 10_000;
/** Looks for changes: at once after an event, and this often for load and clocks. */
export const STREAM_TICK_MS = 1_000;
/** Events within this time make one delta. */
export const STREAM_COALESCE_MS = 150;
/** Events passed on with one delta; the delta itself holds the state, they are its reasons. */
export const STREAM_EVENTS = 100;
/** One event passed on. */
export const STREAM_EVENT_BYTES = 8_192;
/** Where the browser waits before it connects again. */
export const STREAM_RETRY_MS = 2_000;

/** A query parameter; identifiers have at most 128 characters. */
export const PARAMETER_LENGTH = 128;

/** A live order has a few hundred bytes. */
export const LIVE_BYTES = 4_096;
export const LIVE_JSON = { maxDepth: 2, maxMembers: 16, maxArrayLength: 0, maxStringLength: 128 };

/** A body: an action and why, or a token. */
export const BODY_BYTES = 8_192;
export const TOKEN_LENGTH = 256;
/** Long enough for a sentence, which an auditor reads. */
export const REASON_LENGTH = 500;

/** A shift in a screenful, whole in one record; in UTF-8 it fits a body. */
export const NOTE_LENGTH = 2_000;
/** Rows of what is on offer: a thousand feeders, three types, and some aggregators on each. */
export const AVAILABILITY_ROWS = 10_000;

/** People of one DSO. */
export const PEOPLE = 500;
/** Browsers signed in at once; each is less than a kilobyte. */
export const SESSIONS = 1_000;
/** A shift, and the longest pause in it. */
export const SESSION_MS = 12 * 3_600_000;
export const SESSION_IDLE_MS = 30 * 60_000;
/** Attempts to sign in: tokens cannot be guessed, this keeps the noise down. */
export const SIGN_INS = 20;
export const SIGN_INS_PER_SECOND = 0.5;
/** People on their way to the issuer and back, each a few hundred bytes: more than can begin within their time. */
export const OIDC_PENDING = 1_000;
export const OIDC_PENDING_MS = 10 * 60_000;
export const OIDC_SIGN_INS = 50;
export const OIDC_SIGN_INS_PER_SECOND = 1;
/** Discovery, keys and tokens of an issuer: kilobytes each, from a server that people wait for. */
export const OIDC_ANSWER_MS = 5_000;
export const OIDC_ANSWER_BYTES = 256 * 1024;
/** An issuer has a host, perhaps others for its keys and tokens. */
export const OIDC_PRIVATE_HOSTS = 8;
export const OIDC_SECRET_LENGTH = 4_096;
/** Of a person, in records and on pages. */
export const NAME_LENGTH = 128;

/** Between seeing what an action would do and doing it. */
export const PROPOSAL_MS = 60_000;
/** Actions that wait for their confirmation. */
export const PROPOSALS = 200;

/** A month of orders says how an aggregator is now. */
export const SCORE_DAYS = 30;
/** Aggregators of one answer; a DSO trades with dozens. */
export const SNAPSHOT_AGGREGATORS = 500;
