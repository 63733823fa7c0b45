/** CPU time of other processes, where the system tells. */
import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** What Linux counts in, whatever the kernel was built with. */
const TICKS_A_SECOND = 100;
/** Of the fields behind the name, which is in brackets and may hold spaces. */
const USER_TIME = 11;
const SYSTEM_TIME = 12;

/** Seconds of user and system time so far; null without /proc, and for a process that is gone. */
export function cpuSecondsOf(pid: number): number | null {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return null;
  const fields = readFileSync(path, 'utf8').split(') ').at(-1)!.split(' ');
  return (Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME])) / TICKS_A_SECOND;
}

/** Seconds that the cores of this machine were busy so far, with whatever. */
function busySeconds(): number {
  return cpus().reduce((sum, { times }) => sum + (times.user + times.nice + times.sys + times.irq) / 1000, 0);
}

export interface CpuSeconds {
  readonly byProcess: Readonly<Record<string, number | null>>;
  /** Database server, broker and the work of others included. */
  readonly machine: number;
}

/** Begins to count; what it returns tells what was used since. */
export function countCpu(pids: ReadonlyMap<string, number>): () => CpuSeconds {
  const used = () => [...pids].map(([name, pid]) => [name, cpuSecondsOf(pid)] as const);
  const before = new Map(used());
  const busyBefore = busySeconds();
  return () => ({
    byProcess: Object.fromEntries(used().map(([name, now]) => [name, difference(now, before.get(name) ?? null)])),
    machine: difference(busySeconds(), busyBefore)!,
  });
}

function difference(after: number | null, before: number | null): number | null {
  return after === null || before === null ? null : Math.round((after - before) * 100) / 100;
}
