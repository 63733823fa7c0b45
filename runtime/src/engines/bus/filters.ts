import { engineLimits } from '../limits.ts';

/** MQTT topic names and filters (MQTT 3.1.1 §4.7). */

// biome-ignore lint/suspicious/noControlCharactersInRegex: U+0000 is what MQTT 3.1.1 §1.5.3 forbids, the others what no log wants
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f]/;

const fits = (text: string): boolean =>
  text !== '' &&
  Buffer.byteLength(text) <= engineLimits.busTopicBytes &&
  !FORBIDDEN.test(text) &&
  text.split('/').length <= engineLimits.busTopicLevels;

/** A topic one may publish to on this bus. */
export function isTopicName(topic: string): boolean {
  return fits(topic) && !/[+#$]/.test(topic);
}

export function isTopicFilter(filter: string): boolean {
  if (!fits(filter) || filter.includes('$')) return false;
  const levels = filter.split('/');
  return levels.every(
    (level, index) =>
      level === '+' || (level === '#' && index === levels.length - 1) || !(level.includes('+') || level.includes('#')),
  );
}

/** Whether `topic` matches `filter`. */
export function matches(filter: string, topic: string): boolean {
  if (filter === topic) return true;
  return covers(filter, topic);
}

/** Whether every topic that matches `inner` matches `outer` too. */
export function covers(outer: string, inner: string): boolean {
  const wide = outer.split('/');
  const narrow = inner.split('/');
  for (let i = 0; i < wide.length; i++) {
    const level = wide[i];
    if (level === '#') return true;
    const other = narrow[i];
    if (other === undefined || other === '#') return false;
    if (level !== '+' && level !== other) return false;
  }
  return wide.length === narrow.length;
}
