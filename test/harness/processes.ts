/** Services as processes of their own, started as a person would and asked over HTTP. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { PlannedService } from '@flexder/sandbox/serve/plan/plan.ts';
import { bin } from '../cli/flexder.ts';

export interface Running extends PlannedService {
  readonly child: ChildProcess;
  /** Resolves when it has said that it is ready; rejects, with its log, when it ended before. */
  readonly ready: Promise<unknown>;
  log(): string;
}

/** Nothing of the environment the tests run in: a variable of the continuous integration is none of the service's. */
const ENVIRONMENT = { PATH: process.env.PATH, HOME: process.env.HOME };

/** None outlives the tests, however those end. */
const children = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

export function startProcess(service: PlannedService, variables: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [bin, 'serve', service.kind, '--env', service.env], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...ENVIRONMENT, ...variables },
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  let log = '';
  child.stderr.on('data', (chunk) => {
    log += chunk;
  });
  const ready = Promise.race([
    once(createInterface({ input: child.stdout }), 'line').then(([line]) => JSON.parse(line as string)),
    once(child, 'exit').then(([code]) => {
      throw new Error(`${service.name} ended with ${code} before it was ready: ${log}`);
    }),
  ]);
  ready.catch(() => {});
  return { ...service, child, ready, log: () => log };
}

export async function getJson(url: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** The sum of a counter over its labels, from `/metrics`. */
export async function metricOf(service: PlannedService, name: string): Promise<number> {
  const text = await (await fetch(`${service.health}/metrics`, { signal: AbortSignal.timeout(5_000) })).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`flexder_${name}{`));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** Asks again until `done`; throws with the last answer after `withinMs`, without which the test's own time is the bound. */
export async function askUntil<T>(
  ask: () => Promise<T>,
  done: (answer: T) => boolean,
  withinMs = Number.POSITIVE_INFINITY,
): Promise<T> {
  for (const untilMs = Date.now() + withinMs; ; ) {
    const answer = await ask();
    if (done(answer)) return answer;
    if (Date.now() > untilMs) throw new Error(`not within ${withinMs} ms: ${JSON.stringify(answer).slice(0, 500)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

export async function stopProcess({ child }: Pick<Running, 'child'>): Promise<number | null> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const [code] = await exited;
  return code as number | null;
}
