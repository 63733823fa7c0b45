/** Ports for a plan, and its files on disk. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { freePort } from '@flexder/runtime/http/free-port.ts';
import { HEALTH_PORT_OFFSET } from '../limits.ts';
import type { Plan, PlannedService, Ports } from './plan.ts';

const INDEX = 'plan.json';

/** Fixed ones from `base` on, the DSO's page first; health and metrics of each lie 100 above. */
export function portsFrom(base: number, names: readonly string[]): (name: string) => Ports {
  const order = ['bap', ...names.filter((name) => name !== 'bap')];
  return (name) => {
    const port = base + order.indexOf(name);
    return { port, health: port + HEALTH_PORT_OFFSET };
  };
}

/** Ports that are free now, no two the same. */
export async function freePorts(names: readonly string[]): Promise<(name: string) => Ports> {
  const taken = new Set<number>();
  const next = async () => {
    const port = await freePort(taken);
    taken.add(port);
    return port;
  };
  const chosen = new Map<string, Ports>();
  for (const name of names) chosen.set(name, { port: await next(), health: await next() });
  return (name) => chosen.get(name)!;
}

/** The services of the plan that `dir` holds; undefined when it holds none. */
export function planIn(dir: string): PlannedService[] | undefined {
  const path = join(dir, INDEX);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as PlannedService[]) : undefined;
}

/**
 * Every file is its owner's alone, or its group's where the plan says so: most hold passwords. The index comes last, so
 * a plan is whole or absent.
 */
export function writePlan(dir: string, { services, files }: Plan): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  for (const { path, text, mode = 0o600 } of files) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, text, { mode });
  }
  writeFileSync(join(dir, INDEX), `${JSON.stringify(services, null, 2)}\n`, { mode: 0o600 });
}
