import { parseDuration } from '../duration.ts';
import type { BecknBody } from '../envelope.ts';
import { incomplete, reject, type StepRun } from './types.ts';

/** A message is acted on only while its sender still waits: timestamp not ahead, not too old, ttl not elapsed. */
export const freshness: StepRun = (state, { nowMs, limits }) => {
  const context = (state.value as BecknBody | undefined)?.context;
  if (context === undefined) return incomplete('json');
  const sentMs = Date.parse(context.timestamp);
  const ttlMs = parseDuration(context.ttl);
  const path = '/context/timestamp';
  if (Number.isNaN(sentMs)) {
    return reject('SCH_INVALID_FORMAT', 'timestamp', 'context.timestamp is no RFC 3339 time', { path });
  }
  if (ttlMs === undefined) {
    return reject('SCH_INVALID_FORMAT', 'ttl', 'context.ttl is no ISO 8601 duration such as PT30S', {
      path: '/context/ttl',
    });
  }
  const here = `this server's time is ${new Date(nowMs).toISOString()}`;
  const ageMs = nowMs - sentMs;
  if (-ageMs > limits.skewS * 1000) {
    const text = `context.timestamp ${context.timestamp} lies ${-ageMs / 1000} s ahead, at most ${limits.skewS} s are allowed; ${here}: check your clock`;
    return reject('CTX_STALE', 'timestamp', text, { path });
  }
  if (ageMs > limits.maxMessageAgeS * 1000) {
    const text = `context.timestamp ${context.timestamp} is ${ageMs / 1000} s old, at most ${limits.maxMessageAgeS} s are accepted; ${here}: send a new message`;
    return reject('CTX_STALE', 'timestamp', text, { path });
  }
  if (ageMs > ttlMs) {
    const text = `context.ttl ${context.ttl} passed ${(ageMs - ttlMs) / 1000} s ago, counted from context.timestamp ${context.timestamp}; ${here}: send a new message`;
    return reject('CTX_STALE', 'ttl', text, { path: '/context/ttl' });
  }
  return undefined;
};
