import type { Logger } from '@flexder/runtime/logging.ts';
import type { ErrorRequestHandler, NextFunction, Request, RequestHandler, Response } from 'express';
import { ReportTooLargeError } from '../audit-settlement/report.ts';
import { BadRequestError } from './parameters.ts';

/** Another participant did not answer what was asked of it for the operator. */
export class BadAnswerError extends Error {
  override name = 'BadAnswerError';
}

/** The page loads nothing from elsewhere and runs no inline script; nobody may frame it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export const security: RequestHandler = (request, response, next) => {
  response.set({
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cache-control': 'no-store',
  });
  // A browser says where a request comes from; another site's page has no business here, links to the page aside.
  if (request.get('sec-fetch-site') === 'cross-site' && request.get('sec-fetch-mode') !== 'navigate') {
    return void problem(response, 403, 'CROSS_ORIGIN', 'this API answers its own origin only');
  }
  next();
};

export const readOnly: RequestHandler = (request, response, next) => {
  if (request.method === 'GET' || request.method === 'HEAD') return next();
  response.set('allow', 'GET, HEAD');
  problem(response, 405, 'METHOD_NOT_ALLOWED', `this API is read only; ${request.method} is not served`);
};

export const notFound: RequestHandler = (request, response) => {
  problem(response, 404, 'NOT_FOUND', `nothing is served at ${request.originalUrl.split('?')[0]?.slice(0, 200)}`);
};

/** Answers with the JSON of what `read` resolves to. */
export function answering(read: (request: Request, response: Response) => Promise<unknown>): RequestHandler {
  return (request, response, next) => {
    read(request, response).then((body) => response.json(body), next);
  };
}

export function problem(response: Response, status: number, code: string, message: string, parameter?: string): void {
  response.status(status).json({ error: { code, message, ...(parameter !== undefined && { parameter }) } });
}

/** The last handler: what the caller did wrong in words, what we did wrong in the log only. */
export function failures(log: Logger): ErrorRequestHandler {
  return (error: unknown, request: Request, response: Response, _next: NextFunction) => {
    if (error instanceof BadRequestError && !response.headersSent) {
      return problem(response, 400, 'BAD_PARAMETER', `${error.parameter}: ${error.message}`, error.parameter);
    }
    if (error instanceof ReportTooLargeError && !response.headersSent) {
      return problem(response, 400, 'TOO_MANY_ROWS', error.message);
    }
    if (error instanceof BadAnswerError && !response.headersSent)
      return problem(response, 502, 'BAD_ANSWER', error.message);
    log.error({ path: request.path, error: String(error) }, 'the operator API failed');
    if (response.headersSent) response.destroy();
    else problem(response, 500, 'INTERNAL', 'the request failed here; the log of the DSO has the cause');
  };
}
