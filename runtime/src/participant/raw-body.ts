import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { BODY_OVERRUN_BYTES } from './limits.ts';

/** Why a body could not be read, in the words of express' own body parsers. */
export class RawBodyError extends Error {
  override name = 'RawBodyError';
  readonly type: 'entity.too.large' | 'encoding.unsupported' | 'request.aborted';
  readonly status: number;
  constructor(type: RawBodyError['type'], status: number, message: string) {
    super(message);
    this.type = type;
    this.status = status;
  }
}

/**
 * The bytes of a body as they came, in `request.body`; undefined when there is none. Passes a RawBodyError on. The
 * parsers of express read a body to its end before they refuse it, however long it is; this one stops soon after `limit`
 * and has the connection closed.
 */
export function rawBody(limit: number): RequestHandler {
  return (request, response, next) => {
    read(request, limit).then(
      (body) => {
        request.body = body;
        next();
      },
      (error: RawBodyError) => {
        // What is left of a body that was not read must not be taken for the next request.
        if (error.type === 'entity.too.large') response.setHeader('connection', 'close');
        next(error);
      },
    );
  };
}

function read(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const { 'content-length': announced, 'transfer-encoding': transfer, 'content-encoding': encoding } = request.headers;
  if (announced === undefined && transfer === undefined) return Promise.resolve(undefined);
  const tooLarge = new RawBodyError('entity.too.large', 413, `the body exceeds ${limit} bytes`);
  if (Number(announced ?? 0) > limit + BODY_OVERRUN_BYTES) return Promise.reject(tooLarge);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const take = (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else chunks.length = 0;
      if (size > limit + BODY_OVERRUN_BYTES) finish(() => reject(tooLarge));
    };
    const end = () => {
      if (size > limit) finish(() => reject(tooLarge));
      else if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
        finish(() => reject(new RawBodyError('encoding.unsupported', 415, 'content-encoding is not accepted')));
      else finish(() => resolve(Buffer.concat(chunks, size)));
    };
    const broken = () =>
      finish(() => reject(new RawBodyError('request.aborted', 400, 'the body ended before its announced length')));
    const finish = (then: () => void) => {
      request.off('data', take).off('end', end).off('error', broken).off('close', broken);
      // An error that comes later has nobody else to go to.
      request.on('error', () => {}).pause();
      then();
    };
    request.on('data', take).on('end', end).on('error', broken).on('close', broken);
  });
}
