/** The services of a plan, each a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { WallClock } from '@flexder/runtime/clock.ts';
import { within } from '@flexder/runtime/service.ts';
import { SERVICE_NODE_FLAGS } from '@flexder/sandbox/serve/node-flags.ts';
import type { PlannedService } from '@flexder/sandbox/serve/plan/plan.ts';

export interface Services {
  /** Process ids by service. */
  readonly pids: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/** Ten thousand devices are enrolled in a cold database, by processes that start at the same time. */
const READY_MS = 180_000;
const END_MS = 20_000;

/**
 * Starts this very command again for each service, with these variables beyond its file, and resolves when all are
 * ready. Nothing of this process's environment reaches them. Rejects, with none left, when one ends or takes too long.
 */
export async function startServices(
  services: readonly PlannedService[],
  variables: (service: PlannedService) => Readonly<Record<string, string>>,
  wall: WallClock,
): Promise<Services> {
  const children = new Map<string, ChildProcess>();
  const none = () => {
    for (const child of children.values()) child.kill('SIGKILL');
  };
  process.once('exit', none);
  const close = async () => {
    process.off('exit', none);
    await Promise.all([...children.values()].map((child) => ended(child, wall)));
  };
  try {
    await Promise.all(
      services.map((service) => {
        const args = [
          ...process.execArgv,
          ...SERVICE_NODE_FLAGS,
          process.argv[1]!,
          'serve',
          service.kind,
          '--env',
          service.env,
        ];
        const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env: variables(service) });
        children.set(service.name, child);
        return within(wall, READY_MS, ready(service.name, child));
      }),
    );
    return { pids: new Map([...children].map(([name, { pid }]) => [name, pid!])), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** It says so in one line. */
async function ready(name: string, child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`${name} ended with ${code} before it was ready`);
  });
  await Promise.race([once(createInterface({ input: child.stdout! }), 'line'), gone]);
}

async function ended(child: ChildProcess, wall: WallClock): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await within(wall, END_MS, exited).catch(() => child.kill('SIGKILL'));
  await exited;
}
