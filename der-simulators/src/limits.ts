/** Bounds of the simulated devices, each with its reason. */

/** Longest physics step of a running fleet: telemetry is per minute, and ramps and thermostats are well resolved in it. */
export const STEP_MS = 60_000;
/** Physics step of generated history: half-hour meter values need no finer one, and four weeks must cost a second. */
export const HISTORY_STEP_MS = 600_000;
/** Devices run this long unseen before a fleet starts, so that charge, sessions and temperatures have forgotten their start. */
export const WARM_UP_MS = 24 * 3_600_000;
/** Longest history that is generated at once: the baseline looks back 60 days. */
export const MAX_HISTORY_DAYS = 62;
/** Answers a device remembers to repeat them; far above the commands one device gets in the life of a session. */
export const REMEMBERED_ANSWERS = 128;
/** Commands a slow device holds unread: beyond that it loses the newest, as a small inbox would. */
export const MAX_UNREAD_COMMANDS = 16;
/** Largest command payload a device parses: a command has about 400 bytes. */
export const MAX_COMMAND_BYTES = 4_096;
/** Longest `release_delay_s` a command may carry. */
export const MAX_RELEASE_DELAY_S = 900;
/** Devices that connect at the same moment: enough to bring 330 up in seconds, few enough for the listen backlog. */
export const CONNECT_BATCH = 32;
/** Telemetry publishes awaited at the same moment: keeps the broker's per-step burst bounded. */
export const PUBLISH_BATCH = 110;
/** Turns of a fleet that reports spread over its interval: small bursts, and few timers. */
export const TURN_MS = 1_000;
/** Days of weather and charging sessions kept: a step looks at yesterday, today and tomorrow. */
export const REMEMBERED_DAYS = 8;
/** Deadline a slow device stays below and a late one misses, grid seconds; the aggregators' default. */
export const DEFAULT_ANSWER_DEADLINE_S = 15;
/** Portfolio size one call makes at most: derIds have five digits. */
export const MAX_FLEET = 99_999;
