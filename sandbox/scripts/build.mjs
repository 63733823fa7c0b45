// Bundles the `flexder` command: our own rooms into dist/, one chunk per command so that `flexder validate` loads
// no engine; packages from the registry stay where npm put them. Beside it the pages of DSO and aggregator.
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const outdir = join(here, '..', 'dist');

/** `@flexder/room/file.ts` is `room/src/file.ts`; every other bare import is a package. */
const rooms = {
  name: 'rooms',
  setup(plugin) {
    plugin.onResolve({ filter: /^@flexder\// }, ({ path }) => {
      const [, room, ...rest] = path.split('/');
      return { path: join(root, room, 'src', ...rest) };
    });
    plugin.onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
      kind === 'entry-point' ? undefined : { path, external: true },
    );
  },
};

rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints: { flexder: join(here, '..', 'src', 'cli', 'main.ts') },
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  logLevel: 'warning',
  plugins: [rooms],
});
await import('../../runtime/scripts/build-pages.mjs');
