/**
 * Strict JSON: what two readers could understand differently is refused, with the place and the reason.
 *
 * JSON.parse takes the last of two equal keys, keeps an own `__proto__`, reads 1e400 as Infinity and any depth;
 * a lenient decoder gives one text for different bytes. One scan refuses these; then JSON.parse builds the value.
 */
import { type ScanFault, Scanner } from './json-scan.ts';

export interface JsonLimits {
  readonly maxDepth: number;
  readonly maxMembers: number;
  readonly maxArrayLength: number;
  /** UTF-16 code units, escapes as written; for keys and values. */
  readonly maxStringLength: number;
}

export type JsonReason =
  | 'empty'
  | 'utf-8'
  | 'bom'
  | 'nul'
  | 'surrogate'
  | 'duplicate-key'
  | 'forbidden-key'
  | 'depth'
  | 'members'
  | 'array-length'
  | 'string-length'
  | 'number'
  | 'syntax';

export type JsonVerdict =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      readonly reason: JsonReason;
      /** Of the character at fault; 0 when the bytes are no text. */
      readonly position: number;
      /** JSON pointer of the innermost value being read. */
      readonly path: string;
      readonly message: string;
    };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** One JSON document from its bytes. Never throws. */
export function parseStrict(bytes: Uint8Array, limits: JsonLimits): JsonVerdict {
  if (bytes.length === 0) return refuse('empty', 0, '', 'the body is empty; send one JSON document');
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return refuse('utf-8', 0, '', 'the bytes are not valid UTF-8; encode the document as UTF-8');
  }
  if (text.charCodeAt(0) === 0xfeff) {
    return refuse('bom', 0, '', 'the document begins with a byte order mark; send it without');
  }
  const fault = new Scanner(text, limits).scan();
  if (fault !== undefined) return refuse(fault.reason, fault.position, fault.path, describe(fault));
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return refuse('syntax', 0, '', `not JSON: ${(error as Error).message}`);
  }
}

function describe(fault: ScanFault): string {
  const where = fault.path === '' ? 'in the document' : `at ${fault.path}`;
  return `${fault.text} ${where}, character ${fault.position}`;
}

function refuse(reason: JsonReason, position: number, path: string, message: string): JsonVerdict {
  return { ok: false, reason, position, path, message };
}
