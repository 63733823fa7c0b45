import { createHash } from 'node:crypto';

const LONGEST_IDENTIFIER = 63;

/**
 * Name of a subscriber's schema and role: readable, of letters, digits and underscores only, and different for
 * different ids whatever they contain.
 */
export function subscriberName(subscriber: string): string {
  if (subscriber === '') throw new Error('a subscriber id cannot be empty');
  const digest = createHash('sha256').update(subscriber).digest('hex').slice(0, 12);
  const readable = subscriber.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_');
  return `p_${readable.slice(0, LONGEST_IDENTIFIER - digest.length - 3)}_${digest}`;
}
