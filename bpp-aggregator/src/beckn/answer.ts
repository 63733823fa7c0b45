import { callbackOf, type RequestAction } from '@flexder/protocol/beckn/actions.ts';
import { CodecError, decodeExcludedDevices } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { BecknError, InboundMessage } from '@flexder/runtime/participant/types.ts';
import type { Work } from '../context.ts';

/** An answer is of use while the BAP waits for it, and a little after: a late one still tells what happened. */
const ANSWER_TTL_MS = 30_000;

/** Answers a request by its callback, under the message id of the request. */
export function answer(work: Work, request: InboundMessage, message: unknown) {
  return callback(work, request, { message });
}

export function refuse(work: Work, request: InboundMessage, error: BecknError) {
  // Of all callbacks on_rating alone must carry a message, also with an error.
  return callback(work, request, request.action === 'rating' ? { message: {}, error } : { error });
}

function callback(work: Work, request: InboundMessage, content: { message?: unknown; error?: BecknError }) {
  const { context } = request.body;
  return work.send({
    action: callbackOf(request.action as RequestAction),
    to: request.signerId,
    toType: 'BAP',
    transactionId: context.transaction_id,
    messageId: context.message_id,
    ttlMs: ANSWER_TTL_MS,
    ...content,
  });
}

/** Identical for an order that never was and one of somebody else: ids cannot be found out by asking. */
export const UNKNOWN_ORDER: BecknError = { code: '30010', message: 'no such order of yours is known here' };

/** Devices that the request's order must do without; undefined after it has been refused. */
export async function readExcluded(work: Work, request: InboundMessage): Promise<ReadonlySet<string> | undefined> {
  const ids = await read(work, request, decodeExcludedDevices);
  return ids && new Set(ids);
}

/** Reads a request; undefined after it has been refused because it means nothing. */
export async function read<T>(work: Work, request: InboundMessage, decode: (body: never) => T): Promise<T | undefined> {
  try {
    return decode(request.body as never);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    await refuse(work, request, { code: error.code, message: error.message, paths: error.path });
    return undefined;
  }
}
