import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Agent, type Dispatcher, errors } from 'undici';
import type { WallClock } from '../clock.ts';
import { isPublicUnicast } from './addresses.ts';
import { httpLimits } from './limits.ts';
import {
  ForbiddenAddressError,
  type Outbound,
  OutboundError,
  type OutboundRequest,
  type OutboundResponse,
} from './outbound.ts';
import { allowedUrl, isVouched } from './policy.ts';

/** All addresses of a host name. A test replaces it to answer with any address. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

export interface OutboundOptions {
  readonly wall: WallClock;
  readonly resolve?: Resolve;
}

const systemResolve: Resolve = (hostname) =>
  new Promise((resolve, reject) =>
    systemLookup(hostname, { all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses))),
  );

/**
 * A lookup that fails unless every address of the name is public: the connection then goes to one that was checked,
 * whatever the name server says a moment later.
 */
function guardedLookup(resolve: Resolve): LookupFunction {
  return plainLookup(async (hostname) => {
    const addresses = await resolve(hostname);
    const bad = addresses.find(({ address }) => !isPublicUnicast(address));
    if (bad) throw new ForbiddenAddressError(`${hostname} resolves to ${bad.address}, which is not public`);
    return addresses;
  });
}

function plainLookup(resolve: Resolve): LookupFunction {
  return (hostname: string, options: LookupOptions, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const first = addresses[0];
        if (!first) callback(Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' }), '', 0);
        else if (options.all) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
      (error) => callback(error, '', 0),
    );
  };
}

function agent(connect: { readonly lookup?: LookupFunction } = {}): Agent {
  return new Agent({
    connections: httpLimits.connectionsPerOrigin,
    pipelining: 1,
    keepAliveTimeout: httpLimits.keepAliveMs,
    keepAliveMaxTimeout: httpLimits.keepAliveMs,
    maxHeaderSize: httpLimits.responseHeaderBytes,
    // The one bound of a call is its own deadline, below.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: httpLimits.connectMs, ...connect },
  });
}

async function readBounded(body: Dispatcher.ResponseData['body'], limit: number, origin: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) throw new OutboundError('too-large', `${origin} answered with more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, size);
}

const CONNECT_CODES = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EADDRNOTAVAIL',
]);

/** Of Node's TLS and of OpenSSL, whose codes for a certificate that is not trusted do not all name one. */
const CERTIFICATE_CODE = /^ERR_(TLS|SSL)|CERT|^UNABLE_TO_|^SELF_SIGNED/;

function asOutboundError(error: unknown, origin: string, timedOut: boolean, timeoutMs: number): Error {
  if (error instanceof ForbiddenAddressError || error instanceof OutboundError) return error;
  const cause = (error as { cause?: unknown }).cause;
  if (cause instanceof ForbiddenAddressError) return cause;
  if (timedOut) return new OutboundError('timeout', `${origin} did not answer within ${timeoutMs} ms`);
  const { code, message } = error as { code?: string; message?: string };
  const connect =
    error instanceof errors.ConnectTimeoutError || CONNECT_CODES.has(code ?? '') || CERTIFICATE_CODE.test(code ?? '');
  return new OutboundError(
    connect ? 'connect' : 'protocol',
    `call to ${origin} failed: ${message || code || 'unknown'}`,
  );
}

function flatHeaders(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}

/** Outbound HTTP on kept-alive pools: one that connects to public addresses only, one for the sandbox, one for vouched hosts. */
export function createOutbound({ wall, resolve = systemResolve }: OutboundOptions): Outbound {
  const strict = agent({ lookup: guardedLookup(resolve) });
  const sandbox = agent();
  // Resolved as the others, and not looked at: their certificates say who they are.
  const vouched = agent({ lookup: plainLookup(resolve) });
  const agentFor = (url: URL, { allow }: OutboundRequest) => {
    if (allow.profile === 'sandbox') return sandbox;
    return isVouched(url, allow) ? vouched : strict;
  };

  async function call(url: URL, options: OutboundRequest, signal: AbortSignal): Promise<OutboundResponse> {
    const response = await agentFor(url, options).request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: options.method,
      signal,
      ...(options.headers ? { headers: options.headers } : {}),
      ...(options.body !== undefined ? { body: options.body } : {}),
    });
    try {
      if (response.statusCode >= 300 && response.statusCode < 400) {
        throw new OutboundError(
          'redirect',
          `${url.origin} answered ${response.statusCode}: redirects are not followed`,
        );
      }
      const body = await readBounded(response.body, options.maxResponseBytes, url.origin);
      return { status: response.statusCode, headers: flatHeaders(response.headers), body };
    } catch (error) {
      // Unread bytes would keep the connection; after a whole answer it is for the next call.
      response.body.on('error', () => {}).destroy();
      throw error;
    }
  }

  return {
    async request(text, options) {
      const url = allowedUrl(text, options.allow);
      const timeoutMs = Math.min(options.timeoutMs, httpLimits.longestTimeoutMs);
      const deadline = new AbortController();
      const disarm = wall.after(timeoutMs, () => deadline.abort());
      try {
        return await call(url, options, deadline.signal);
      } catch (error) {
        throw asOutboundError(error, url.origin, deadline.signal.aborted, timeoutMs);
      } finally {
        disarm();
      }
    },
    async close() {
      await Promise.all([strict.destroy(), sandbox.destroy(), vouched.destroy()]);
    },
  };
}
