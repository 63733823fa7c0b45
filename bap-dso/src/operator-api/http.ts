import type { Logger } from '@flexder/runtime/logging.ts';
import { problem, security } from '@flexder/runtime/page/security.ts';
import type { ErrorRequestHandler, NextFunction, Request, RequestHandler, Response } from 'express';
import { ReportTooLargeError } from '../audit-settlement/reports/report.ts';
import { BadRequestError } from './parameters.ts';

export { problem, security };

/** Another participant did not answer what was asked of it for the operator. */
export class BadAnswerError extends Error {
  override name = 'BadAnswerError';
}

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
