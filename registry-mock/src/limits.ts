/** Bounds of the registry and the gateway, each with its reason. */

/** A subscription is about 1 KB. */
export const BODY_BYTES = 16_384;
/** Subscriptions at once and per second: a network of hundreds starts within seconds, a flood does not pass. */
export const SUBSCRIBE_AT_ONCE = 200;
export const SUBSCRIBE_PER_S = 20;
/** Lookups at once and per second: some thousand participants renew their caches; more is a loop or a flood. */
export const LOOKUPS_AT_ONCE = 5_000;
export const LOOKUPS_PER_S = 1_000;
/**
 * What one address may take of either: a quarter, so that nobody alone shuts the others out, and yet more than the largest
 * sandbox, whose three dozen participants all start at one address. An IPv6 address counts with its /64.
 */
export const ADDRESS_SHARE = 1 / 4;
/** Addresses remembered, some hundred bytes each; one that is forgotten begins anew, within the rate of all. */
export const ADDRESSES = 10_000;
/** Subscribers of one sandbox network. */
export const SUBSCRIBERS = 10_000;
/** Keys kept of one subscriber: two in overlap, and those before them. */
export const KEYS_PER_SUBSCRIBER = 10;
/** Registrations whose challenge is not answered yet: more than are under way at any moment. */
export const UNPROVEN = 1_000;
/** Registrations whose challenge was never answered are forgotten after this. */
export const UNPROVEN_KEPT_MS = 600_000;
/** Longest validity of a key. */
export const KEY_VALIDITY_MS = 2 * 366 * 86_400_000;
/** Challenges under way. */
export const CHALLENGES_AT_ONCE = 50;
export const CHALLENGE_TIMEOUT_MS = 5_000;
export const CHALLENGE_ANSWER_BYTES = 4_096;
/** Records of one lookup answer: asked for nothing, and at most. */
export const LOOKUP_RECORDS = 100;
export const LOOKUP_RECORDS_AT_MOST = 500;
/** Texts of a subscription. */
export const URL_CHARS = 512;
export const TEXT_CHARS = 128;
export const HEALTH_TIMEOUT_MS = 1_000;
/** Text of others that goes into a record. */
export const RECORDED_TEXT = 300;
