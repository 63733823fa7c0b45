/** Query parameters, parsed once: what is unknown, repeated or malformed is a 400 that says what was expected. */
import { isIdentifier } from '@flexder/protocol/beckn/identifiers.ts';
import type { Request } from 'express';
import { PAGE_OFFSET_MAX, PAGE_ROWS, PAGE_ROWS_DEFAULT, PARAMETER_LENGTH } from './limits.ts';

export class BadRequestError extends Error {
  override name = 'BadRequestError';
  readonly parameter: string;
  constructor(parameter: string, message: string) {
    super(message);
    this.parameter = parameter;
  }
}

type Parser<T> = (text: string, name: string) => T;
type Parsed<Spec> = { [Name in keyof Spec]: Spec[Name] extends Parser<infer T> ? T | undefined : never };

/** One value for each parameter of `spec`; throws BadRequestError. */
export function parameters<Spec extends Record<string, Parser<unknown>>>(request: Request, spec: Spec): Parsed<Spec> {
  const query = new URLSearchParams(request.url.split('?')[1] ?? '');
  for (const name of query.keys()) {
    if (!Object.hasOwn(spec, name)) {
      const known = Object.keys(spec).join(', ') || 'none';
      throw new BadRequestError(name.slice(0, PARAMETER_LENGTH), `unknown parameter; this address takes: ${known}`);
    }
    if (query.getAll(name).length > 1) throw new BadRequestError(name, 'given more than once');
  }
  const parsed = Object.entries(spec).map(([name, parse]) => {
    const text = query.get(name);
    if (text !== null && text.length > PARAMETER_LENGTH) throw new BadRequestError(name, 'too long');
    return [name, text === null ? undefined : parse(text, name)];
  });
  return Object.fromEntries(parsed) as Parsed<Spec>;
}

export const identifier: Parser<string> = (text, name) => {
  if (isIdentifier(text)) return text;
  throw new BadRequestError(name, 'expected an identifier: letters, digits, dot, underscore and hyphen, at most 128');
};

export function integer(low: number, high: number): Parser<number> {
  return (text, name) => {
    const value = Number(text);
    if (/^\d{1,15}$/.test(text) && value >= low && value <= high) return value;
    throw new BadRequestError(name, `expected a whole number from ${low} to ${high}`);
  };
}

/** A London settlement date. */
export const date: Parser<string> = (text, name) => {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text) && isoDate(text) === text) return text;
  throw new BadRequestError(name, 'expected a date as YYYY-MM-DD');
};

function isoDate(text: string): string | undefined {
  const at = new Date(`${text}T00:00:00Z`);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString().slice(0, 10);
}

/** A calendar month. */
export const month: Parser<string> = (text, name) => {
  if (/^\d{4}-(0[1-9]|1[0-2])$/.test(text)) return text;
  throw new BadRequestError(name, 'expected a month as YYYY-MM');
};

export function oneOf<const Value extends string>(values: readonly Value[]): Parser<Value> {
  return (text, name) => {
    const found = values.find((value) => value === text);
    if (found !== undefined) return found;
    throw new BadRequestError(name, `expected one of ${values.join(', ')}`);
  };
}

export const PAGE = { limit: integer(1, PAGE_ROWS), offset: integer(0, PAGE_OFFSET_MAX) };

export function page(query: { limit?: number | undefined; offset?: number | undefined }) {
  return { limit: query.limit ?? PAGE_ROWS_DEFAULT, offset: query.offset ?? 0 };
}
