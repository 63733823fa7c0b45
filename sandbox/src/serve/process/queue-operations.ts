/** The job queues of a service process as its operators see them: how full they are, what is dead, and its redrive. */
import type { IncomingMessage } from 'node:http';
import type { JobQueue } from '@flexder/runtime/engines/queue/port.ts';
import { DEAD_JOBS_MOST } from '../limits.ts';

export type Queues = () => Promise<readonly JobQueue[]>;

export interface QueueAnswer {
  readonly status: number;
  readonly body: unknown;
}

const LOOPBACK = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);
const LOOPBACK_HOST = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/;

/**
 * `GET /queue`, `GET /queue/dead?limit=N` and `POST /queue/redrive?limit=N`; undefined for every other path. Only for who
 * asks from this machine, and no page of a browser: a job's data is the service's own, and a redrive repeats work.
 */
export async function answerQueue(request: IncomingMessage, queues: Queues): Promise<QueueAnswer | undefined> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://operations');
  const answers = Object.hasOwn(ANSWERS, pathname) ? ANSWERS[pathname] : undefined;
  if (!answers) return undefined;
  if (!isLocal(request))
    return { status: 403, body: { error: 'job queues are shown on the machine of the service only, to no browser' } };
  if (request.method !== answers.method) return { status: 405, body: { error: `${pathname} is a ${answers.method}` } };
  const limit = Number(searchParams.get('limit') ?? DEAD_JOBS_MOST);
  if (!Number.isInteger(limit) || limit < 1 || limit > DEAD_JOBS_MOST)
    return { status: 400, body: { error: `limit must be a whole number from 1 to ${DEAD_JOBS_MOST}` } };
  return { status: 200, body: await answers.run(await queues(), limit) };
}

const ANSWERS: Readonly<
  Record<
    string,
    { readonly method: string; readonly run: (queues: readonly JobQueue[], limit: number) => Promise<unknown> }
  >
> = {
  '/queue': {
    method: 'GET',
    run: (queues) => Promise.all(queues.map(async (queue) => ({ queue: queue.name, ...(await queue.counts()) }))),
  },
  '/queue/dead': {
    method: 'GET',
    run: async (queues, limit) => {
      const dead = [];
      for (const queue of queues)
        for (const job of await queue.dead(limit - dead.length || 1)) dead.push({ queue: queue.name, ...job });
      return dead.slice(0, limit);
    },
  },
  '/queue/redrive': {
    method: 'POST',
    run: async (queues, limit) => {
      let redriven = 0;
      for (const queue of queues) if (redriven < limit) redriven += await queue.redrive(limit - redriven);
      return { redriven };
    },
  },
};

function isLocal({ socket, headers }: IncomingMessage): boolean {
  const forwarded = headers.origin ?? headers['x-forwarded-for'] ?? headers.forwarded;
  return LOOPBACK.has(socket.remoteAddress ?? '') && LOOPBACK_HOST.test(headers.host ?? '') && forwarded === undefined;
}
