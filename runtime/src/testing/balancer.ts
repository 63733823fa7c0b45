/**
 * A load balancer for tests: each request goes to the next of the places behind it, and to the one after that when
 * nobody listens there. What was begun is not repeated: then the asker hears 502, as from any proxy.
 */
import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { listen } from '../http/listen.ts';

export interface Balancer {
  readonly url: string;
  /** Origins behind it, in turn. */
  backends: readonly string[];
  /** Requests answered, by origin. */
  readonly answered: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

export async function startBalancer(port = 0): Promise<Balancer> {
  const answered = new Map<string, number>();
  let next = 0;
  let backends: readonly string[] = [];
  // A connection to each request: no process keeps a client by chance.
  const agent = new Agent({ keepAlive: false });

  function forward(from: IncomingMessage, body: Buffer, to: ServerResponse, tries: number): void {
    const origin = backends[next++ % Math.max(1, backends.length)];
    if (origin === undefined || tries === 0) return void to.writeHead(502).end();
    const onward = request(new URL(from.url ?? '/', origin), { method: from.method, headers: from.headers, agent });
    onward.once('response', (answer) => {
      answered.set(origin, (answered.get(origin) ?? 0) + 1);
      to.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(to);
      answer.once('error', () => to.destroy());
    });
    onward.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') return forward(from, body, to, tries - 1);
      if (!to.headersSent) to.writeHead(502).end();
    });
    onward.end(body);
  }

  const answer = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => forward(incoming, Buffer.concat(chunks), outgoing, backends.length));
  };
  const listening = await listen(answer, { host: '127.0.0.1', port });
  return {
    url: listening.url,
    answered,
    get backends() {
      return backends;
    },
    set backends(origins) {
      backends = origins;
    },
    close: () => listening.close(),
  };
}
