/** Bounds of the network model, each with its reason. */

/** A row is about a hundred bytes: this is half a million of them. */
export const FILE_BYTES = 64 * 1024 * 1024;
/** Devices of one DSO's largest licence area that can take part, several times over. */
export const FILE_ROWS = 500_000;
/** Characters of one row; more is a quote that was never closed. */
export const ROW_CHARS = 10_000;
/** Problems told at once; the rest is counted. A file with one wrong column would otherwise fill the screen. */
export const PROBLEMS_TOLD = 100;
/** Feeders of one service, as its configuration has it. */
export const FEEDERS = 1_000;
/** Seasons of a year: winter, summer and what lies between, with room. */
export const SEASONS = 12;
/** The largest licence area is some three degrees high; a place this far from the middle of its network is a slip. */
export const EXTENT_DEGREES = 5;
/** Shares of the links into one feeder add up to one, but for the rounding of three decimals. */
export const SHARE_TOLERANCE = 0.001;
/** Answers that are remembered: offers name the same few places again and again. */
export const REACHES_KEPT = 10_000;
/** Below this share an offer is as good as elsewhere: a hundred of its kW would be one. */
export const LEAST_REACH = 0.01;
