/** What protects a page and the API that it shows, on whichever service. */
import type { RequestHandler, Response } from 'express';

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

export function problem(response: Response, status: number, code: string, message: string, parameter?: string): void {
  response.status(status).json({ error: { code, message, ...(parameter !== undefined && { parameter }) } });
}
