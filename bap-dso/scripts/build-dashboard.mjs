// Bundles the operator's page into dist/dashboard: script and style under the hash of their content, each also
// compressed, and the page that names them.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const room = join(import.meta.dirname, '..');
const outdir = join(room, 'dist', 'dashboard');

const { outputFiles } = await build({
  entryPoints: { page: join(room, 'dashboard', 'main.tsx'), style: join(room, 'dashboard', 'style.css') },
  outdir,
  entryNames: '[name]-[hash]',
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'eof',
  logLevel: 'warning',
  write: false,
});
const files = outputFiles.map(({ path, contents }) => [basename(path), Buffer.from(contents)]);
const named = (extension) => files.find(([name]) => name.endsWith(extension))[0];
const page = readFileSync(join(room, 'dashboard', 'index.html'), 'utf8')
  .replace('page.js', named('.js'))
  .replace('style.css', named('.css'));

// What is bundled is copied, and its licences ask to go with it.
const require = createRequire(import.meta.url);
const licences = ['preact', '@preact/signals', 'uplot']
  .map((name) => `${name}\n\n${readFileSync(join(packageOf(require.resolve(name)), 'LICENSE'), 'utf8')}`)
  .join('\n\n');

function packageOf(file) {
  return existsSync(join(dirname(file), 'package.json')) ? dirname(file) : packageOf(dirname(file));
}

rmSync(outdir, { recursive: true, force: true });
mkdirSync(outdir, { recursive: true });
for (const [name, bytes] of [...files, ['index.html', Buffer.from(page)], ['licences.txt', Buffer.from(licences)]]) {
  writeFileSync(join(outdir, name), bytes);
  writeFileSync(join(outdir, `${name}.gz`), gzipSync(bytes, { level: 9 }));
}
