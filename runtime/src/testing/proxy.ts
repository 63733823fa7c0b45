/**
 * A TCP proxy for tests, between a service and what it depends on, with faults that are switched while it runs. What is
 * under way when a fault begins is hit by it, as on a real line.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export type LineFault =
  /** Everything goes through as it comes. */
  | { readonly mode: 'pass' }
  /** Each chunk arrives `ms` later, in both directions; several may be under way. */
  | { readonly mode: 'latency'; readonly ms: number }
  /** Connections end and further ones are refused: nobody listens there. */
  | { readonly mode: 'cut' }
  /** Connections stay and are accepted, and nothing arrives; it does once the fault is over. */
  | { readonly mode: 'blackhole' }
  /** Every connection, also a further one, is reset. */
  | { readonly mode: 'reset' }
  /** Writes of at most `bytes`, `everyMs` apart: a reader must not take a chunk for a message. */
  | { readonly mode: 'slice'; readonly bytes: number; readonly everyMs?: number };

export interface TcpProxy {
  readonly port: number;
  /** Bytes that arrived behind the proxy so far. */
  readonly forwardedBytes: number;
  /** Connections accepted so far, whatever became of them. */
  readonly accepted: number;
  /** Resolves when the fault is in force. */
  set(fault: LineFault): Promise<void>;
  /** `url` with this proxy in place of its host and port. */
  before(url: string): string;
  close(): Promise<void>;
}

const PASS: LineFault = { mode: 'pass' };
/** Chunks read and not yet written in one direction; then the sender has to wait. */
const CHUNKS_HELD = 64;

export async function startProxy(target: { readonly port: number; readonly host?: string }): Promise<TcpProxy> {
  const { host = '127.0.0.1', port: targetPort } = target;
  const sockets = new Set<Socket>();
  let fault = PASS;
  let [forwardedBytes, accepted] = [0, 0];
  let [heal, healed] = [() => {}, Promise.resolve()];
  const line: Line = {
    fault: () => fault,
    open: () => healed,
    count: (bytes) => {
      forwardedBytes += bytes;
    },
  };

  async function pair(inner: Socket): Promise<void> {
    accepted++;
    if (fault.mode === 'reset') return void inner.resetAndDestroy();
    keep(inner);
    inner.pause();
    await healed;
    if (inner.destroyed) return;
    const outer = keep(connect({ host, port: targetPort, allowHalfOpen: true, noDelay: true }));
    const endBoth = () => {
      for (const one of [inner, outer]) if (!one.destroyed) one.resetAndDestroy();
    };
    inner.once('error', endBoth);
    outer.once('error', endBoth);
    inner.once('close', () => outer.destroy());
    outer.once('close', () => inner.destroy());
    carry(inner, outer, line);
    carry(outer, inner, { ...line, count: () => {} });
  }

  function keep(socket: Socket): Socket {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    return socket;
  }

  let server: Server | undefined;
  async function listen(port: number): Promise<number> {
    server = createServer({ allowHalfOpen: true, noDelay: true }, (inner) => void pair(inner));
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as { port: number }).port;
  }
  async function stopListening(): Promise<void> {
    const stopped = server;
    server = undefined;
    if (!stopped) return;
    stopped.close();
    for (const socket of sockets) socket.destroy();
    await once(stopped, 'close');
  }
  const port = await listen(0);

  return {
    port,
    get forwardedBytes() {
      return forwardedBytes;
    },
    get accepted() {
      return accepted;
    },
    async set(next) {
      fault = next;
      heal();
      if (next.mode === 'blackhole')
        healed = new Promise<void>((resolve) => {
          heal = resolve;
        });
      if (next.mode === 'reset') for (const socket of sockets) socket.resetAndDestroy();
      if (next.mode === 'cut') await stopListening();
      else if (!server) await listen(port);
    },
    before(url) {
      const changed = new URL(url);
      changed.host = `127.0.0.1:${port}`;
      // A URL without a path has none behind the proxy either.
      return new URL(url).pathname === '/' && !url.endsWith('/') ? changed.href.replace(/\/$/, '') : changed.href;
    },
    async close() {
      heal();
      await stopListening();
    },
  };
}

interface Line {
  fault(): LineFault;
  /** Resolves while nothing is swallowed. */
  open(): Promise<void>;
  count(bytes: number): void;
}

/** One direction of a connection. */
function carry(from: Socket, to: Socket, line: Line): void {
  let [held, tail] = [0, Promise.resolve()];
  from.on('data', (chunk: Buffer) => {
    const fault = line.fault();
    const dueMs = performance.now() + (fault.mode === 'latency' ? fault.ms : 0);
    if (++held >= CHUNKS_HELD) from.pause();
    tail = tail
      .then(() => deliver(chunk, dueMs, to, line))
      .then(() => {
        held--;
        if (from.isPaused()) from.resume();
      });
  });
  from.once('end', () => {
    tail = tail.then(() => line.open()).then(() => void (to.destroyed || to.end()));
  });
  from.resume();
}

async function deliver(chunk: Buffer, dueMs: number, to: Socket, line: Line): Promise<void> {
  const waitMs = dueMs - performance.now();
  if (waitMs > 0) await sleep(waitMs);
  for (let at = 0; at < chunk.length; ) {
    await line.open();
    if (to.destroyed) return;
    const fault = line.fault();
    const piece = chunk.subarray(at, at + (fault.mode === 'slice' ? fault.bytes : chunk.length));
    at += piece.length;
    line.count(piece.length);
    if (!to.write(piece)) await Promise.race([once(to, 'drain'), once(to, 'close')]).catch(() => {});
    if (fault.mode === 'slice' && at < chunk.length) await sleep(fault.everyMs ?? 1);
  }
}
