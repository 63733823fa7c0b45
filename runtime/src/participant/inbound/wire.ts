import { WIRE_HEADER_CHARS } from '../limits.ts';
import type { WireHeaders } from '../tables.ts';

const NAMES = ['authorization', 'digest', 'x-gateway-authorization'] as const;

/** What is kept of the headers of a request. One that came more than once is joined, as it was judged. */
export function wireHeaders(headers: Readonly<Record<string, readonly string[] | undefined>>): WireHeaders {
  const there = NAMES.filter((name) => (headers[name] ?? []).length > 0);
  return Object.fromEntries(there.map((name) => [name, headers[name]!.join(', ').slice(0, WIRE_HEADER_CHARS)]));
}
