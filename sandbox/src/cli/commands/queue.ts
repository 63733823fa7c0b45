import { DEAD_JOBS_MOST, QUEUE_ANSWER_MS } from '../../serve/limits.ts';
import { type Command, integer, print, required, say, UsageError, type Values } from '../command.ts';

interface Counts {
  readonly queue: string;
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly failed: number;
}

/** The answer of a service process at its health address. */
async function ask<T>(values: Values, path: string, method: 'GET' | 'POST' = 'GET'): Promise<T> {
  const base = required(values, 'url');
  if (!URL.canParse(base)) throw new UsageError(`--url ${JSON.stringify(base)} is no URL`);
  const url = new URL(path, base);
  const response = await fetch(url, { method, signal: AbortSignal.timeout(QUEUE_ANSWER_MS) }).catch((error: Error) => {
    throw new UsageError(`no service answers at ${url.origin}: ${error.cause ?? error.message}`);
  });
  const body = (await response.json().catch(() => ({}))) as { error?: string };
  if (response.status === 404)
    throw new UsageError(`${url.origin} is not the health address of a service: it is \`health\` in its first line`);
  if (!response.ok) throw new Error(`${url.origin} answered ${response.status}: ${body.error ?? 'no reason given'}`);
  return body as T;
}

async function status(values: Values): Promise<number> {
  const queues = await ask<Counts[]>(values, '/queue');
  for (const queue of queues) print(JSON.stringify(queue));
  const dead = queues.reduce((sum, { failed }) => sum + failed, 0);
  if (dead === 0) return 0;
  say(`${dead} dead jobs: \`flexder queue dead\` shows why, \`flexder queue redrive\` tries them again.`);
  return 1;
}

async function dead(values: Values): Promise<number> {
  const jobs = await ask<unknown[]>(values, `/queue/dead?limit=${limitOf(values)}`);
  for (const job of jobs) print(JSON.stringify(job));
  if (jobs.length === 0) say('No job is dead.');
  return 0;
}

async function redrive(values: Values): Promise<number> {
  const { redriven } = await ask<{ redriven: number }>(values, `/queue/redrive?limit=${limitOf(values)}`, 'POST');
  print(JSON.stringify({ redriven }));
  say(`${redriven} dead jobs are tried again, from their first attempt.`);
  return 0;
}

const limitOf = (values: Values) => integer(values, 'limit', DEAD_JOBS_MOST, 1, DEAD_JOBS_MOST);

const command: Command = {
  summary: 'Shows the job queues of a running service, and tries dead jobs again',
  arguments: 'status|dead|redrive --url URL',
  options: {
    url: { type: 'string', value: 'URL', help: 'health address of the service, on this machine' },
    limit: { type: 'string', value: 'N', help: `dead, redrive: at most so many jobs (${DEAD_JOBS_MOST})` },
  },
  async run(values, [verb]) {
    if (verb === 'status') return status(values);
    if (verb === 'dead') return dead(values);
    if (verb === 'redrive') return redrive(values);
    throw new UsageError('say what to do: `flexder queue status`, `flexder queue dead` or `flexder queue redrive`');
  },
};
export default command;
