/**
 * Real engines for tests: each a child process on a free port of the loopback address, with a folder of its own, ended
 * and removed with the test that started it. A machine without the program skips those tests and says so; with
 * FLEXDER_REQUIRE_ENGINES=1 (continuous integration) they fail instead.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Debian keeps servers and the versions of PostgreSQL where a user's PATH does not look. */
const MORE_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/lib/postgresql/15/bin'];
const STDERR_KEPT = 8_000;
const READY_MS = 60_000;
const POLL_MS = 50;
const STOP_MS = 10_000;

const toldMissing = new Set<string>();

/** Absolute path of a program, or undefined. */
export function programPath(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...MORE_FOLDERS];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * For a `before` hook: skips the suite when one of `programs` is not on this machine, and fails it when engines are
 * required. `engine` is the name a reader knows: "Redis".
 */
export function needsEngine(engine: string, ...programs: string[]) {
  return function check(this: Mocha.Context): void {
    const missing = programs.filter((name) => programPath(name) === undefined);
    if (missing.length > 0) missingEngine(this, engine, `${missing.join(', ')} not found`);
  };
}

/** Skips or fails, as `needsEngine` does, for an engine that is missing for another reason. */
export function missingEngine(context: Mocha.Context, engine: string, why: string): void {
  if (process.env.FLEXDER_REQUIRE_ENGINES === '1') throw new Error(`${engine} is required here: ${why}`);
  if (!toldMissing.has(engine)) process.stderr.write(`\n  skipped: tests on ${engine} (${why})\n`);
  toldMissing.add(engine);
  context.skip();
}

const folders = new Set<string>();

/** A folder for a test's engine or files; `removeTestFolders` takes it away, at the latest when the process ends. */
export function testFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `flexder-${name}-`));
  // One listener for all of them: Node warns of an eleventh.
  if (folders.size === 0) process.once('exit', removeTestFolders);
  folders.add(folder);
  return folder;
}

export function removeTestFolders(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  folders.clear();
  process.off('exit', removeTestFolders);
}

export interface EngineProcess {
  readonly child: ChildProcess;
  /** What it wrote to standard error and output, the last of it. */
  output(): string;
  /** SIGTERM, then SIGKILL after a bound. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash. */
  kill(): Promise<void>;
}

export interface EngineCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** Called with what it wrote so far, until it says true; the process ending before is an error that shows its output. */
  ready(output: string): Promise<boolean>;
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly gid?: number;
}

/** Starts a program and waits until it is ready. */
export async function startEngine({ program, args, ready, env, uid, gid }: EngineCommand): Promise<EngineProcess> {
  const path = programPath(program) ?? program;
  const child = spawn(path, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    ...(uid === undefined ? {} : { uid, gid }),
  });
  let output = '';
  const keep = (chunk: Buffer) => {
    output = `${output}${chunk}`.slice(-STDERR_KEPT);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.on('error', (error) => keep(Buffer.from(String(error))));
  const orphaned = () => child.kill('SIGKILL');
  process.once('exit', orphaned);
  const end = async (signal: NodeJS.Signals) => {
    process.off('exit', orphaned);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await exited;
    clearTimeout(timer);
  };
  const engine = { child, output: () => output, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
  const giveUpAtMs = Date.now() + READY_MS;
  while (!(await ready(output).catch(() => false))) {
    const ended = child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
    if (ended || Date.now() > giveUpAtMs) {
      await engine.kill();
      throw new Error(`${program} ${ended ? 'ended' : `was not ready within ${READY_MS} ms`}: ${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return engine;
}

/** Whether something accepts connections at this port of the loopback address. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
