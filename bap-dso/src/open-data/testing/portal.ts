/** A server on this machine that answers as the open-data portals do, errors included. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemWallClock, type WallClock } from '@flexder/runtime/clock.ts';
import type { Outbound } from '@flexder/runtime/http/outbound.ts';
import { createOutbound } from '@flexder/runtime/http/safe-outbound.ts';

export type Answer = (request: IncomingMessage, response: ServerResponse, url: URL) => void;

export interface Portal {
  readonly url: string;
  /** Every request: its path with query, decoded. */
  readonly asked: string[];
  readonly headers: IncomingMessage['headers'][];
  answer: Answer;
  readonly http: Outbound;
  close(): Promise<void>;
}

export async function openPortal(): Promise<Portal> {
  const asked: string[] = [];
  const headers: IncomingMessage['headers'][] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://portal');
    asked.push(decodeURIComponent(`${url.pathname}${url.search}`.replaceAll('+', ' ')));
    headers.push(request.headers);
    portal.answer(request, response, url);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const http = createOutbound({ wall: systemWallClock() });
  const portal: Portal = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    headers,
    answer: (_request, response) => json(response, 404, { error_code: 'NotFoundResource', message: 'nothing here' }),
    http,
    async close() {
      await http.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return portal;
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  raw(response, status, typeof body === 'string' ? body : JSON.stringify(body));
}

export function raw(response: ServerResponse, status: number, body: string, type = 'application/json'): void {
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8` }).end(body);
}

export interface VirtualWall extends WallClock {
  /** What was slept, in order, milliseconds. */
  readonly slept: number[];
  pass(ms: number): void;
}

/** Waits take no time: they move the clock on at once. Timers run when `pass` reaches them. */
export function virtualWall(startMs = Date.parse('2026-11-20T12:10:00Z')): VirtualWall {
  let nowMs = startMs;
  const slept: number[] = [];
  const timers = new Set<{ dueMs: number; run: () => void }>();
  return {
    slept,
    nowMs: () => nowMs,
    monotonicMs: () => nowMs - startMs,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      slept.push(ms);
      nowMs += ms;
    },
    after(ms, run) {
      const timer = { dueMs: nowMs + ms, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    pass(ms) {
      const untilMs = nowMs + ms;
      for (;;) {
        const [next] = [...timers].filter((timer) => timer.dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs);
        if (!next) break;
        timers.delete(next);
        nowMs = Math.max(nowMs, next.dueMs);
        next.run();
      }
      nowMs = Math.max(nowMs, untilMs);
    },
  };
}
