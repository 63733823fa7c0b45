/** What surrounds a Beckn 1.1 message: context, acknowledgement, errors, and a peer's answer in all its dialects. */
import type { Action } from './actions.ts';
import type { MessageId, SubscriberId, TransactionId } from './identifiers.ts';

export { formatDuration, parseDuration } from './duration.ts';

/** The context of a Beckn 1.1 message, snake case as on the wire. */
export interface BecknContext {
  readonly domain: string;
  readonly location: { readonly country: { readonly code: string }; readonly city: { readonly code: string } };
  readonly action: Action;
  readonly version: '1.1.0';
  readonly bap_id: SubscriberId;
  readonly bap_uri: string;
  readonly bpp_id?: SubscriberId;
  readonly bpp_uri?: string;
  readonly transaction_id: TransactionId;
  readonly message_id: MessageId;
  readonly timestamp: string;
  readonly ttl: string;
}

export interface BecknError {
  readonly code: string;
  readonly message: string;
  readonly paths?: string;
}

export interface BecknBody {
  readonly context: BecknContext;
  readonly message?: unknown;
  readonly error?: BecknError;
}

export interface AckBody {
  readonly message: { readonly ack: { readonly status: 'ACK' | 'NACK' } };
  readonly error?: BecknError;
}

export function ack(): AckBody {
  return { message: { ack: { status: 'ACK' } } };
}

export function nack(code: string, message: string, paths?: string): AckBody {
  return { message: { ack: { status: 'NACK' } }, error: { code, message, ...(paths === undefined ? {} : { paths }) } };
}

/** Context of a schema-valid body. */
export function contextOf(body: unknown): BecknContext {
  return (body as BecknBody).context;
}

/** The error of a callback that carries one instead of a message. */
export function errorOf(body: unknown): BecknError | undefined {
  return (body as BecknBody).error;
}

/** `WWW-Authenticate` of a 401, or `Proxy-Authenticate` where a gateway's signature failed (BECKN-006). */
export function authenticateHeader(ownSubscriberId: string, gateway = false): { name: string; value: string } {
  return {
    name: gateway ? 'Proxy-Authenticate' : 'WWW-Authenticate',
    value: `Signature realm="${ownSubscriberId}",headers="(created) (expires) digest"`,
  };
}

export type PeerAnswer = { readonly acknowledged: true } | { readonly acknowledged: false; readonly error: BecknError };

/**
 * What a peer's answer means. Acknowledged is 200 or 202 with ACK. Errors stand at the top (core 1.1), inside
 * `message` (beckn-onix) or with a numeric code and a `type` (protocol-server): all three are read.
 *
 * @param body the parsed answer; undefined when it was empty or no JSON
 */
export function readAnswer(status: number, body: unknown): PeerAnswer {
  const top = record(body);
  const message = record(top?.message);
  const verdict = record(message?.ack)?.status;
  const error = readError(top?.error) ?? readError(message?.error);
  if ((status === 200 || status === 202) && verdict === 'ACK' && error === undefined) return { acknowledged: true };
  if (error !== undefined) return { acknowledged: false, error };
  const said = verdict === 'NACK' ? 'NACK without an error' : 'no acknowledgement';
  return {
    acknowledged: false,
    error: { code: `HTTP_${status}`, message: `the peer answered ${status} with ${said}` },
  };
}

const LONGEST_PEER_TEXT = 500;

function readError(value: unknown): BecknError | undefined {
  const error = record(value);
  if (error === undefined) return undefined;
  const code = typeof error.code === 'string' || typeof error.code === 'number' ? String(error.code) : undefined;
  const text = typeof error.message === 'string' ? error.message : undefined;
  const type = typeof error.type === 'string' ? `${error.type}: ` : '';
  if (code === undefined && text === undefined) return undefined;
  return {
    code: (code ?? 'UNKNOWN').slice(0, 64),
    message: `${type}${text ?? 'no text'}`.slice(0, LONGEST_PEER_TEXT),
    ...(typeof error.paths === 'string' ? { paths: error.paths.slice(0, LONGEST_PEER_TEXT) } : {}),
  };
}

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
