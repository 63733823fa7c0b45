import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { WallClock } from '../clock.ts';
import { systemWallClock } from '../clock.ts';
import { httpLimits } from './limits.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
  readonly wall?: WallClock;
  /** PEM: serves https with this certificate (and what leads to its authority) and its key. */
  readonly tls?: ServerTls;
  /** Open sockets, instead of those a server of requests needs. */
  readonly connections?: number;
}

export interface ServerTls {
  readonly cert: string;
  readonly key: string;
}

export interface Listening {
  /** `http://host:port` (`https:` with a certificate), without a slash at the end. */
  readonly url: string;
  readonly server: Server;
  /** Takes no more connections, lets running requests end (bounded), then closes every socket. */
  close(): Promise<void>;
}

/** Serves `app` with the bounds that Node leaves wide. Rejects when the port is taken. */
export async function listen(
  app: RequestListener,
  { host, port, wall = systemWallClock(), tls, connections = httpLimits.connections }: ListenOptions,
): Promise<Listening> {
  const bounds = {
    headersTimeout: httpLimits.headersMs,
    requestTimeout: httpLimits.requestMs,
    connectionsCheckingInterval: 1_000,
    maxHeaderSize: httpLimits.requestHeaderBytes,
    noDelay: true,
  };
  const server: Server = tls
    ? createTlsServer({ ...bounds, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: httpLimits.headersMs }, app)
    : createServer(bounds, app);
  server.maxConnections = connections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new Error(`cannot listen on ${host}:${port}: ${error.message}`, { cause: error })),
    );
    server.listen(port, host, resolve);
  });
  const address = server.address();
  const boundPort = typeof address === 'object' && address ? address.port : port;
  let closing: Promise<void> | undefined;
  return {
    url: `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${boundPort}`,
    server,
    close() {
      closing ??= new Promise((resolve) => {
        const disarm = wall.after(httpLimits.drainMs, () => server.closeAllConnections());
        server.close(() => {
          disarm();
          resolve();
        });
        server.closeIdleConnections();
      });
      return closing;
    },
  };
}
