/** Bodies of the operator API: JSON objects of a few short texts. */
import { json, type Request, type RequestHandler } from 'express';
import { problem } from './http.ts';
import { BODY_BYTES } from './limits.ts';
import { BadRequestError } from './parameters.ts';

const parse = json({ limit: BODY_BYTES, inflate: false, strict: true, type: 'application/json' });

/** A form of another site cannot send this type without being asked for leave first. */
export const body: RequestHandler = (request, response, next) => {
  if (!/^application\/json(;|$)/i.test(request.get('content-type') ?? ''))
    return problem(response, 415, 'UNSUPPORTED_MEDIA_TYPE', 'send application/json');
  parse(request, response, (error?: unknown) => {
    if (error === undefined) return next();
    const { status, message } = error as { status?: number; message?: string };
    if (status === 413) return problem(response, 413, 'BODY_TOO_LARGE', `at most ${BODY_BYTES} bytes`);
    problem(
      response,
      status === 415 ? 415 : 400,
      'BAD_BODY',
      `the body cannot be read: ${String(message).slice(0, 200)}`,
    );
  });
};

/** The texts that a body must have, and no others; `lengths` says how long each may be. Throws BadRequestError. */
export function text<Name extends string>(request: Request, lengths: Record<Name, number>): Record<Name, string> {
  const given = request.body as unknown;
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new BadRequestError('body', 'expected a JSON object');
  const names = Object.keys(lengths) as Name[];
  const unknown = Object.keys(given).find((name) => !names.includes(name as Name));
  if (unknown !== undefined)
    throw new BadRequestError(unknown.slice(0, 64), `unknown member; this address takes: ${names.join(', ')}`);
  const found = names.map((name) => {
    const value = Object.hasOwn(given, name) ? (given as Record<string, unknown>)[name] : undefined;
    if (typeof value !== 'string' || value.trim() === '' || value.length > lengths[name])
      throw new BadRequestError(name, `expected a text of 1 to ${lengths[name]} characters`);
    return [name, value] as const;
  });
  return Object.fromEntries(found) as Record<Name, string>;
}
