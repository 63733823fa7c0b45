/** What a browser keeps of a session, out of reach of every script. */
import type { CookieOptions, Request } from 'express';
import type { BapConfig } from '../../config.ts';
import { SESSION_MS } from '../limits.ts';

export const SESSION_COOKIE = 'flexder_session';

/** Name, value and options. Over https alone where the page is served over https. */
export function sessionCookie({ publicUrl }: BapConfig, id: string): [string, string, CookieOptions] {
  const secure = publicUrl?.startsWith('https:') ?? false;
  return [SESSION_COOKIE, id, { httpOnly: true, sameSite: 'strict', path: '/api', secure, maxAge: SESSION_MS }];
}

/** Undefined when there is none, or more than one: somebody else may have put the other there. */
export function cookieOf(request: Request, wanted: string): string | undefined {
  const pairs = (request.get('cookie') ?? '').split(';').map((pair) => pair.trim().split('='));
  const found = pairs.filter(([name]) => name === wanted);
  return found.length === 1 ? found[0]?.[1] : undefined;
}
