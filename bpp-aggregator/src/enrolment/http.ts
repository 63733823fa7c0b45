/** What the routes of enrolment have in common: bodies that are checked, and failures in words. */
import { isIdentifier } from '@flexder/protocol/beckn/identifiers.ts';
import { problem } from '@flexder/runtime/page/security.ts';
import { type ErrorRequestHandler, json, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';
import type { Rooms } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { FleetDer } from '../portfolio/der.ts';
import { type Decider, EnrolmentError } from './changes.ts';
import { personIn } from './guard.ts';

export function body(limit: number): RequestHandler[] {
  const typed: RequestHandler = (request, response, next) => {
    if (/^application\/json(;|$)/i.test(request.get('content-type') ?? '')) return next();
    problem(response, 415, 'UNSUPPORTED_MEDIA_TYPE', 'send application/json');
  };
  return [typed, json({ limit, inflate: false, strict: true, type: 'application/json' })];
}

export const reasonText = z.string().trim().min(1).max(LIMITS.maxReasonChars);
export const withReason = z.strictObject({ reason: reasonText });

/** Throws an EnrolmentError that names every member at fault. */
export function parsed<T>(schema: z.ZodType<T>, request: Request): T {
  const result = schema.safeParse(request.body);
  if (result.success) return result.data;
  const faults = result.error.issues.slice(0, 20).map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`);
  throw new EnrolmentError('INVALID', faults.join('; '));
}

/** Who decides, by the token of the request. */
export function deciderOf(response: Response, reason: string): Decider {
  return { actor: personIn(response).name, reason };
}

/** The device that the path names. */
export function derOf({ fleet }: Rooms, request: Request): FleetDer {
  const derId = String(request.params.derId);
  const der = isIdentifier(derId) ? fleet.get(derId) : undefined;
  if (!der) throw new EnrolmentError('UNKNOWN', 'there is no such device in the portfolio');
  return der;
}

export function answering(read: (request: Request, response: Response) => Promise<unknown>): RequestHandler {
  return (request, response, next) => {
    read(request, response).then((answer) => {
      response.set('cache-control', 'no-store');
      response.json(answer);
    }, next);
  };
}

const STATUS = { UNKNOWN: 404, CONFLICT: 409, INVALID: 400 } as const;

/** What the caller did wrong in words, what went wrong here in the log alone. */
export function failures({ context }: Rooms): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    if (error instanceof EnrolmentError) return problem(response, STATUS[error.code], error.code, error.message);
    const { status, message } = error as { status?: number; message?: string };
    if (status === 413) return problem(response, 413, 'BODY_TOO_LARGE', 'the body is too large');
    if (status === 400) return problem(response, 400, 'INVALID', `the body cannot be read: ${message?.slice(0, 200)}`);
    if (status === 415) return problem(response, 415, 'UNSUPPORTED_MEDIA_TYPE', 'send application/json, uncompressed');
    context.log.error({ path: request.path, error: String(error) }, 'the enrolment API failed');
    problem(response, 500, 'INTERNAL', 'the request failed here; the log of the aggregator has the cause');
  };
}
