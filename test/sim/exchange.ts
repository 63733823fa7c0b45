/** One HTTP exchange with a server that has no socket: Node's own parsers on both sides, in memory between them. */
import { request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import type { OutboundRequest, OutboundResponse } from '@flexder/runtime/http/outbound.ts';

export function exchange(
  server: Server,
  url: URL,
  { method, headers, body }: Pick<OutboundRequest, 'method' | 'headers' | 'body'>,
): Promise<OutboundResponse> {
  const [near, far] = duplexPair();
  server.emit('connection', far);
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        createConnection: () => near as Duplex as Socket,
        method,
        host: url.host,
        path: `${url.pathname}${url.search}`,
        headers: { ...headers, connection: 'close' },
      },
      (response) => void read(response).then(resolve, reject),
    );
    request.on('error', reject);
    request.end(body);
  });
}

async function read(response: IncomingMessage): Promise<OutboundResponse> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) headers[name] = [value].flat().join(', ');
  return { status: response.statusCode ?? 0, headers, body: Buffer.concat(chunks) };
}
