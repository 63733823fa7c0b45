/** Words an ajv error for the person who has to correct the message. */
import type { ErrorObject } from 'ajv';

export interface Fault {
  /** JSON pointer (RFC 6901) to the offending member; for a missing one, to where it should be. */
  path: string;
  code: string;
  /** What was expected there. */
  message: string;
}

/** A pointer longer than this holds a hostile member name; the start is enough to find it. */
const MAX_PATH_CHARS = 300;
const MAX_NAMES = 12;

type Parent = { readonly description?: string; readonly properties?: Record<string, unknown> };

/** @param errors of one failed validation with `allErrors: false`: the last one is the outermost */
export function explain(errors: readonly ErrorObject[]): Fault {
  // `if` only repeats that its branch failed; the error before it says why.
  const error = errors.findLast((each) => each.keyword !== 'if') ?? errors.at(-1);
  if (error === undefined) return { path: '', code: 'SCH_INVALID_FORMAT', message: 'expected a valid message' };
  const path = pathOf(error);
  return { path: path.slice(0, MAX_PATH_CHARS), code: 'SCH_INVALID_FORMAT', message: messageOf(error) };
}

function pathOf({ instancePath, keyword, params }: ErrorObject): string {
  const member =
    keyword === 'required'
      ? params.missingProperty
      : keyword === 'additionalProperties'
        ? params.additionalProperty
        : undefined;
  return typeof member === 'string'
    ? `${instancePath}/${member.replaceAll('~', '~0').replaceAll('/', '~1')}`
    : instancePath;
}

function messageOf(error: ErrorObject): string {
  const { keyword, params } = error;
  const parent = (error.parentSchema ?? {}) as Parent;
  const expected = parent.description;
  switch (keyword) {
    case 'required':
      return `missing; expected the member ${JSON.stringify(params.missingProperty)}`;
    case 'additionalProperties':
      return `unknown member; expected ${list(Object.keys(parent.properties ?? {}), 'only')}`;
    case 'false schema':
      return `not allowed here; ${expected ?? 'expected no such member'}`;
    case 'type':
      return `expected ${expected ?? params.type}, got ${typeName(error.data)}`;
    case 'enum':
      return `expected ${list(params.allowedValues, 'one of')}${expected ? ` (${expected})` : ''}`;
    case 'const':
      return `expected ${JSON.stringify(params.allowedValue)}${expected ? ` (${expected})` : ''}`;
    case 'contains':
      return `expected ${expected ?? 'another entry'}`;
    case 'format':
      return `expected ${expected ?? params.format}, with a value that exists`;
    case 'maxItems':
    case 'minItems':
      return `expected ${keyword === 'maxItems' ? 'at most' : 'at least'} ${params.limit} entries`;
    default:
      return `expected ${expected ?? `${keyword} ${JSON.stringify(params.limit ?? '')}`}`;
  }
}

function list(names: readonly unknown[], intro: string): string {
  const shown = names.slice(0, MAX_NAMES).map((name) => JSON.stringify(name));
  return `${names.length > 1 ? `${intro} ` : ''}${shown.join(', ')}${names.length > MAX_NAMES ? ', …' : ''}`;
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number' && !Number.isFinite(value)) return 'a number too large to represent';
  return value === undefined ? 'nothing' : `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
}
