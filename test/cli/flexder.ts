/** The built `flexder` command, as a user starts it; built here when it is not, or is older than its sources. */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');
export const bin = join(root, 'sandbox', 'bin', 'flexder.mjs');
const ROOMS = [
  'schemas',
  'protocol',
  'runtime',
  'registry-mock',
  'bap-dso',
  'bpp-aggregator',
  'der-simulators',
  'sandbox',
  'bench',
];

function newestSourceMs(): number {
  const files = ROOMS.flatMap((room) => {
    const src = join(root, room, 'src');
    const names = readdirSync(src, { recursive: true, encoding: 'utf8' });
    return names.filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts')).map((name) => join(src, name));
  });
  return Math.max(...files.map((file) => statSync(file).mtimeMs));
}

const built = join(root, 'sandbox', 'dist', 'flexder.js');
if (!existsSync(built) || statSync(built).mtimeMs < newestSourceMs()) {
  execFileSync(process.execPath, [join(root, 'sandbox', 'scripts', 'build.mjs')], { stdio: 'inherit' });
}

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export function flexder(
  args: readonly string[],
  input: string | Uint8Array = '',
  variables: Readonly<Record<string, string>> = {},
): Ran {
  const env = { ...process.env, ...variables };
  const run = spawnSync(process.execPath, [bin, ...args], { input, env, encoding: 'utf8', timeout: 120_000 });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

/** As `flexder`, for what this very process answers. */
export function flexderBeside(args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [bin, ...args], { timeout: 120_000 }, (_, out, err) =>
      resolve({ code: child.exitCode, out, err }),
    );
  });
}
