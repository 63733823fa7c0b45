/**
 * Under which name a service is asked. A page of a stranger whose name was made to lead to this machine (DNS rebinding) is
 * of our own origin for a browser; its name in Host is what gives it away.
 */
import { isIP } from 'node:net';
import type { Request, RequestHandler } from 'express';
import { problem } from '../page/security.ts';

/** An address, `localhost`, or the host of the public URL. */
export function isUnderOwnName(request: Request, publicUrl?: string): boolean {
  const asked = `http://${request.get('host')}`;
  if (!URL.canParse(asked)) return false;
  const { hostname } = new URL(asked);
  if (publicUrl !== undefined && hostname === new URL(publicUrl).hostname) return true;
  return hostname === 'localhost' || isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
}

/** For what anybody on this machine may see. */
export const onlyUnderOwnName: RequestHandler = (request, response, next) => {
  if (isUnderOwnName(request)) return next();
  problem(response, 421, 'MISDIRECTED', 'without signing in this is shown under an address or localhost alone');
};
