import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);

/** Version of an installed package. */
export function versionOf(name: string): string | undefined {
  try {
    const entry = require.resolve(name);
    const root = entry.slice(0, entry.lastIndexOf(`/${name}/`) + name.length + 2);
    return JSON.parse(readFileSync(`${root}package.json`, 'utf8')).version;
  } catch {
    return undefined;
  }
}

/** Looked for from this file upwards, so that a bundle finds it too. */
function templateFolder(): string | undefined {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (let level = 0; level < 6; level++) {
    const candidate = join(folder, 'runtime', 'dist');
    if (existsSync(join(candidate, 'pglite-template.json'))) return candidate;
    folder = dirname(folder);
  }
  return undefined;
}

/** The data directory made by `scripts/make-template.mjs`, when it is there and of the installed versions. */
export function loadTemplate(folder: string | undefined = templateFolder()): Blob | undefined {
  if (!folder) return undefined;
  try {
    const made = JSON.parse(readFileSync(join(folder, 'pglite-template.json'), 'utf8'));
    if (made.pglite !== versionOf('@electric-sql/pglite') || made.bullmq !== versionOf('bullmq')) return undefined;
    return new Blob([readFileSync(join(folder, 'pglite-template.tar'))], { type: 'application/x-tar' });
  } catch {
    return undefined;
  }
}
