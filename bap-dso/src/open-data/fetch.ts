/** One request to one source: in its turn, bounded, parsed, hashed. Every way it can fail is an OpenDataError. */
import { createHash } from 'node:crypto';
import type { Context } from '@flexder/runtime/context.ts';
import {
  ForbiddenAddressError,
  OutboundError,
  type OutboundPolicy,
  type OutboundResponse,
} from '@flexder/runtime/http/outbound.ts';
import { OpenDataError, type OpenDataErrorKind } from './errors.ts';
import { errorOf } from './explain.ts';
import { parseOpenJson } from './json.ts';
import { PAGE_BYTES, REQUEST_MS } from './limits.ts';
import type { Pace } from './pace.ts';

/** A reply as it came: what an audit record says of it. */
export interface Reply {
  readonly body: unknown;
  /** Never holds a key: keys travel in headers. */
  readonly url: string;
  /** Wall time. */
  readonly retrievedAtMs: number;
  /** Lower-case hex, of the bytes. */
  readonly sha256: string;
}

export interface SourceAddress {
  /** As errors name it. */
  readonly name: string;
  readonly baseUrl: string;
  /** Headers of every request, the key among them. */
  readonly headers?: Readonly<Record<string, string>>;
}

export type SourceFetch = (
  path: string,
  query: Readonly<Record<string, string | number | undefined>>,
  options?: { readonly maxBytes?: number },
) => Promise<Reply>;

/** @param paces all of them are waited for, first one first */
export function sourceFetch(
  { http, wall }: Pick<Context, 'http' | 'wall'>,
  address: SourceAddress,
  paces: readonly Pace[],
  signal?: AbortSignal,
): SourceFetch {
  const { name, headers } = address;
  const allow = policyOf(address.baseUrl);
  return async (path, query, { maxBytes = PAGE_BYTES } = {}) => {
    const url = urlOf(address.baseUrl, path, query);
    for (const pace of paces) await pace.turn(signal);
    for (const pace of paces) pace.started();
    const response = await http
      .request(url, {
        method: 'GET',
        headers: { accept: 'application/json', ...headers },
        timeoutMs: REQUEST_MS,
        maxResponseBytes: maxBytes,
        allow,
      })
      .catch((error: unknown) => {
        throw outboundError(error, name);
      });
    const retrievedAtMs = wall.nowMs();
    try {
      const body = bodyOf(response, name, retrievedAtMs);
      return { body, url, retrievedAtMs, sha256: createHash('sha256').update(response.body).digest('hex') };
    } catch (error) {
      const at = error instanceof OpenDataError ? error.retryAtMs : undefined;
      if (at !== undefined) for (const pace of paces) pace.hold(at - retrievedAtMs);
      throw error;
    }
  };
}

/** Plain http is for a source on this machine, named by the operator: a mirror, or a test. */
function policyOf(baseUrl: string): OutboundPolicy {
  const { protocol, origin } = new URL(baseUrl);
  if (protocol === 'http:') return { profile: 'sandbox', sandboxOrigins: new Set([origin]) };
  return { profile: 'strict', sandboxOrigins: new Set() };
}

function urlOf(baseUrl: string, path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const url = new URL(`${baseUrl.replace(/\/+$/, '')}/${path}`);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url.href;
}

const OUTBOUND_KINDS: Record<OutboundError['kind'], OpenDataErrorKind> = {
  connect: 'offline',
  timeout: 'timeout',
  'too-large': 'too-large',
  redirect: 'address',
  protocol: 'unavailable',
};

function outboundError(error: unknown, name: string): unknown {
  if (error instanceof ForbiddenAddressError) return new OpenDataError('address', `${name}: ${error.message}`);
  if (error instanceof OutboundError) {
    return new OpenDataError(OUTBOUND_KINDS[error.kind], `${name} cannot be read: ${error.message}`);
  }
  return error;
}

function bodyOf(response: OutboundResponse, name: string, nowMs: number): unknown {
  const { status, headers } = response;
  const type = (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
  const isJson = type === 'application/json' || type === 'text/json' || type.endsWith('+json');
  const parse = () => parseOpenJson(textOf(response.body, name), name);
  if (status === 200) {
    if (!isJson) throw new OpenDataError('unreadable', `${name} answered with ${type || 'no content type'}, not JSON`);
    return parse();
  }
  let body: unknown;
  try {
    if (isJson) body = parse();
  } catch {
    // The status says enough.
  }
  throw errorOf(name, status, body, headers['retry-after'], nowMs);
}

function textOf(body: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new OpenDataError('unreadable', `${name} sent what is not UTF-8`);
  }
}
