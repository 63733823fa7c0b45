/** A proxy before a participant: most messages pass, some are acknowledged and lost, some are altered on the way. */

import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { freePort } from '@flexder/runtime/http/free-port.ts';

interface Context {
  readonly action: string;
  readonly bpp_id?: string;
  readonly transaction_id: string;
}

/** `pass` and `lose`, or the bytes that go on in place of what came. */
export type Fate = 'pass' | 'lose' | Buffer;

export interface Door {
  readonly url: string;
  /** Where the participant behind it listens: a free port, for its configuration. */
  readonly port: number;
  /** Contexts of what did not pass as it came, in order. */
  readonly meddled: readonly Context[];
  /** HTTP status of what was altered, as the participant answered it. */
  readonly answers: readonly number[];
  [Symbol.asyncDispose](): Promise<void>;
}

async function portOf(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await message.toArray());
}

/** `behind`: the port of a participant that is started elsewhere; a free one by default. */
export async function openDoor(
  fateOf: (context: Context, body: Buffer) => Fate | Promise<Fate>,
  behind?: number,
): Promise<Door> {
  const port = behind ?? (await freePort());
  const meddled: Context[] = [];
  const answers: number[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const body = await bodyOf(incoming);
    const context = contextIn(body);
    const fate = context ? await fateOf(context, body) : 'pass';
    if (context && fate !== 'pass') meddled.push(context);
    if (fate === 'lose') {
      outgoing.setHeader('content-type', 'application/json').end('{"message":{"ack":{"status":"ACK"}}}');
      return;
    }
    const { method, url: path } = incoming;
    const sent = fate === 'pass' ? body : fate;
    const headers = { ...incoming.headers, 'content-length': sent.length };
    const onward = request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
      if (fate !== 'pass') answers.push(answer.statusCode ?? 0);
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.writeHead(502).end());
    onward.end(sent);
  });
  const url = `http://127.0.0.1:${await portOf(server)}`;
  return {
    url,
    port,
    meddled,
    answers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function contextIn(body: Buffer): Context | undefined {
  try {
    return (JSON.parse(body.toString('utf8')) as { context?: Context }).context;
  } catch {
    return undefined;
  }
}
