/** Health and metrics of a service process, on a port of their own: they answer before its doors open and after. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { WallClock } from '@flexder/runtime/clock.ts';
import { type Listening, listen } from '@flexder/runtime/http/listen.ts';
import type { Metrics } from '@flexder/runtime/metrics.ts';
import type { Running } from './kind.ts';
import { answerQueue, type Queues } from './queue-operations.ts';

export type Shown = Pick<Running, 'health' | 'measure'>;

export interface Operations extends Listening {
  /** Job queues that operators may look at from now on. */
  showQueues(queues: Queues): void;
  /** What `/health/ready` says from now on. */
  show(state: Shown): void;
}

/** Not ready for one reason. */
export function notReady(detail: string): Shown {
  return { health: async () => ({ ready: false, dependencies: { service: { ok: false, detail, ageMs: 0 } } }) };
}

export async function openOperations(
  place: { readonly host: string; readonly port: number; readonly wall: WallClock },
  metrics: Pick<Metrics, 'text'>,
): Promise<Operations> {
  let current: Shown = notReady('starting');
  let queues: Queues = async () => [];
  const listening = await listen(
    (request, response) => void answer(request, response, metrics, current, queues),
    place,
  );
  return {
    ...listening,
    showQueues(shown) {
      queues = shown;
    },
    show(state) {
      current = state;
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  metrics: Pick<Metrics, 'text'>,
  { health, measure }: Shown,
  queues: Queues,
): Promise<void> {
  const send = (status: number, type: string, body: string) =>
    void response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
  const json = (status: number, value: unknown) => send(status, 'application/json', JSON.stringify(value));
  const { pathname } = new URL(request.url ?? '/', 'http://health');
  if (pathname === '/queue' || pathname.startsWith('/queue/')) {
    const asked = await answerQueue(request, queues).catch((error: unknown) => ({
      status: 503,
      body: { error: error instanceof Error ? error.message : String(error) },
    }));
    if (asked) return json(asked.status, asked.body);
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') return json(405, { error: 'only GET is served here' });
  try {
    if (pathname === '/health/live') return json(200, { live: true });
    if (pathname === '/health/ready') {
      const state = await health();
      return json(state.ready ? 200 : 503, state);
    }
    if (pathname === '/metrics') {
      measure?.();
      return send(200, 'text/plain; version=0.0.4', await metrics.text());
    }
    json(404, { error: 'served here: /health/live, /health/ready, /metrics, /queue, /queue/dead, /queue/redrive' });
  } catch (error) {
    json(503, { error: `health cannot be determined: ${error instanceof Error ? error.message : error}` });
  }
}
