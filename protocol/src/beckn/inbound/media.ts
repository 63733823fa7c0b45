import { reject, type StepRun } from './types.ts';

/** `application/json`, alone or with charset utf-8. */
const JSON_TYPE = /^application\/json[ \t]*(?:;[ \t]*charset[ \t]*=[ \t]*"?utf-?8"?[ \t]*)?;?[ \t]*$/i;

/** Longest Content-Type that is looked at: the pattern takes quadratic time, and nobody has signed anything yet. */
const MAX_TYPE_CHARS = 128;

/** Whether the values of Content-Type are one, of JSON in UTF-8. */
export function isJsonType(values: readonly string[]): boolean {
  const [type = ''] = values;
  return values.length === 1 && type.length <= MAX_TYPE_CHARS && JSON_TYPE.test(type);
}

/** Size, content type and encoding: judged before anything of the body is read. */
export const media: StepRun = ({ request }, { limits }) => {
  const { body, headers } = request;
  const types = headers['content-type'] ?? [];
  if (!isJsonType(types)) {
    const got = types.length === 0 ? 'none' : JSON.stringify(types.join(', ').slice(0, 80));
    return reject('SCH_UNSUPPORTED_MEDIA_TYPE', 'media-type', `Content-Type is ${got}: send application/json in UTF-8`);
  }
  const encodings = headers['content-encoding'] ?? [];
  if (encodings.some((encoding) => encoding.trim().toLowerCase() !== 'identity')) {
    // The signature covers the bytes as sent; a decoder in between would show others.
    const text = `Content-Encoding ${JSON.stringify(encodings.join(', ').slice(0, 40))}: send the body uncompressed`;
    return reject('SCH_UNSUPPORTED_MEDIA_TYPE', 'encoding', text);
  }
  if (body === undefined) {
    return reject('SCH_INVALID_JSON', 'body', 'the request has no body: send one JSON document with Content-Length');
  }
  if (body.length > limits.maxBodyBytes) {
    const text = `the body has ${body.length} bytes, at most ${limits.maxBodyBytes} are read: send less at once`;
    return reject('SCH_BODY_TOO_LARGE', 'size', text);
  }
  return undefined;
};

/** The raw bytes, which the media step has made sure of. */
export function bodyOf(body: Uint8Array | undefined): Uint8Array {
  if (body === undefined) throw new TypeError('no step may read a body before the media step has found one');
  return body;
}
