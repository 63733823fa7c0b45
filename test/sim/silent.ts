import type { Logger } from '@flexder/runtime/logging.ts';
import type { Metrics } from '@flexder/runtime/metrics.ts';

/** Says nothing. */
export const silent: Logger = { child: () => silent, debug() {}, info() {}, warn() {}, error() {} };

/** Counts nothing. */
export const uncounted: Metrics = { count() {}, gauge() {}, observe() {}, total: () => 0, text: async () => '' };
