/** JSON as open-data portals send it: standard, except that a missing figure may stand as NaN. */
import { OpenDataError } from './errors.ts';

const NOT_A_NUMBER = ['-Infinity', 'Infinity', 'NaN'];

/** Parses; NaN and the infinities become null. Throws OpenDataError `unreadable` that says where. */
export function parseOpenJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (strict) {
    const cleaned = withoutNaN(text);
    try {
      if (cleaned !== text) return JSON.parse(cleaned);
    } catch {
      // What is wrong with the text as it came says more.
    }
    throw new OpenDataError('unreadable', `${source} sent what is not JSON: ${(strict as Error).message}`);
  }
}

/** Bare NaN, Infinity and -Infinity as null; what stands within strings stays. */
function withoutNaN(text: string): string {
  const parts: string[] = [];
  let copied = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      at = endOfString(text, at);
      continue;
    }
    const token = NOT_A_NUMBER.find((word) => text.startsWith(word, at));
    if (token === undefined) continue;
    parts.push(text.slice(copied, at), 'null');
    at += token.length - 1;
    copied = at + 1;
  }
  return parts.length === 0 ? text : parts.join('') + text.slice(copied);
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at;
  }
  return text.length;
}
