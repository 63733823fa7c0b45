/** A load of POSTs over kept connections, each with one request under way. */
import type { WallClock } from '@flexder/runtime/clock.ts';
import { Pool } from 'undici';

export interface LoadOptions {
  /** `http://host:port`. */
  readonly origin: string;
  readonly path: string;
  /** Each is sent once. */
  readonly requests: readonly { readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array }[];
  /** Connections. */
  readonly concurrency: number;
  readonly wall: WallClock;
}

export interface LoadResult {
  /** From the first request to the last answer. */
  readonly seconds: number;
  /** From sending a request to its whole answer, milliseconds. */
  readonly latenciesMs: readonly number[];
}

/** Far beyond any bound of the server: a load that hangs ends. */
const TIMEOUT_MS = 120_000;
const SHOWN_CHARS = 400;

/** Rejects at the first answer that is not a 200. The client's own work is part of what both sides of a ratio cost. */
export async function load({ origin, path, requests, concurrency, wall }: LoadOptions): Promise<LoadResult> {
  const pool = new Pool(origin, { connections: concurrency, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS });
  const latenciesMs: number[] = [];
  let next = 0;
  const lane = async () => {
    for (let request = requests[next++]; request !== undefined; request = requests[next++]) {
      const sentMs = wall.monotonicMs();
      const headers = { 'content-type': 'application/json', ...request.headers };
      const answer = await pool.request({ path, method: 'POST', headers, body: request.body });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`answered ${answer.statusCode} ${text.slice(0, SHOWN_CHARS)}`);
      latenciesMs.push(wall.monotonicMs() - sentMs);
    }
  };
  const startedMs = wall.monotonicMs();
  try {
    await Promise.all(Array.from({ length: Math.min(concurrency, requests.length) }, lane));
    return { seconds: (wall.monotonicMs() - startedMs) / 1000, latenciesMs };
  } finally {
    await pool.destroy();
  }
}
