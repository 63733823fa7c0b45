/** HTTP/1.1 as it is written on the wire, so that a request may be as malformed as a test wants. */
import { connect } from 'node:net';

export interface WireRequest {
  readonly url: string;
  /** Every occurrence of every header, in this order; `Host` and `Connection` are added. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body?: Uint8Array;
  /** Of this machine, where the connection comes from. */
  readonly localAddress?: string;
  /** `truthful` by default; a number is sent as Content-Length whatever the body is. */
  readonly length?: 'truthful' | 'chunked' | number;
  /** Sent again and again behind a chunked body until the server answers, up to this many bytes. */
  readonly endlessBytes?: number;
  /** The sender stops sending after the body, in the middle of what it announced. */
  readonly halfClose?: boolean;
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
  readonly body: {
    readonly message?: { readonly ack?: { readonly status?: string } };
    readonly error?: { readonly code: string; readonly message: string; readonly paths?: string };
  };
  /** Bytes of the body the sender got rid of before it was answered. */
  readonly sentBytes: number;
  /** How often it was sent until an answer came through; each time it was heard. */
  readonly attempts: number;
}

const PATIENCE_MS = 10_000;

function headOf({ url, headers, body, length = 'truthful' }: WireRequest): string {
  const { pathname, search, host } = new URL(url);
  const lines = [`POST ${pathname}${search} HTTP/1.1`, `Host: ${host}`, 'Connection: close'];
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  if (length === 'chunked') lines.push('Transfer-Encoding: chunked');
  else if (body !== undefined) lines.push(`Content-Length: ${length === 'truthful' ? body.length : length}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function read(raw: Buffer, sentBytes: number): Omit<WireAnswer, 'attempts'> {
  const text = raw.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) throw new Error(`no HTTP answer: ${JSON.stringify(text.slice(0, 200))}`);
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const content = raw.subarray(end + 4).toString('utf8');
  const json = headers.get('content-type')?.startsWith('application/json');
  return {
    status: Number(first.split(' ')[1]),
    headers,
    text: content,
    body: json ? (JSON.parse(content) as WireAnswer['body']) : {},
    sentBytes,
  };
}

const RESETS = 5;

/**
 * Sends one request on a connection of its own. Rejects when nothing that is HTTP comes back. A server that closes on an
 * endless body resets the connection, and the reset may overtake the answer on its way to us: then once more.
 */
export async function sendWire(request: WireRequest): Promise<WireAnswer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return { ...(await sendOnce(request)), attempts: attempt };
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      const reset = code === 'EPIPE' || code === 'ECONNRESET';
      if (!reset || !request.endlessBytes || attempt === RESETS) throw error;
    }
  }
}

function sendOnce(request: WireRequest): Promise<Omit<WireAnswer, 'attempts'>> {
  const { hostname, port } = new URL(request.url);
  const { body = new Uint8Array(), length, endlessBytes = 0, halfClose = false, localAddress } = request;
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let sentBytes = 0;
    const place = { host: hostname, port: Number(port), localAddress };
    const socket = connect({ ...place, noDelay: true, allowHalfOpen: true }, () => {
      socket.write(headOf(request));
      const write = (bytes: Uint8Array) => {
        sentBytes += bytes.length;
        const framed = length === 'chunked' ? Buffer.concat([chunkHead(bytes), bytes, Buffer.from('\r\n')]) : bytes;
        return socket.write(framed);
      };
      if (body.length > 0) write(body);
      const more = () => {
        while (chunks.length === 0 && !socket.destroyed && sentBytes < endlessBytes) {
          if (!write(Buffer.alloc(16_384, 0x20))) return void socket.once('drain', more);
        }
      };
      if (endlessBytes > 0) more();
      else if (length === 'chunked') socket.write('0\r\n\r\n');
      if (halfClose) socket.end();
    });
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error(`${request.url} did not answer`)));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', () => socket.destroy());
    // A server that has answered may reset what is still being sent.
    let failure: Error | undefined;
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('close', () => {
      try {
        if (chunks.length === 0 && failure) throw failure;
        resolve(read(Buffer.concat(chunks), sentBytes));
      } catch (error) {
        reject(error);
      }
    });
  });
}

const chunkHead = (bytes: Uint8Array) => Buffer.from(`${bytes.length.toString(16)}\r\n`);
