// Bundles the pages of DSO and aggregator, each into dist/dashboard of its room: script and style under the hash of
// their content, each also compressed, and the page that names them.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..', '..');

/** What is bundled with each page: it is copied, and its licences ask to go with it. */
const PACKAGES = ['preact', '@preact/signals', '@tanstack/virtual-core'];
/** By room: the title, where the same data are read without a script, and what else is bundled. */
const PAGES = {
  'bap-dso': { title: 'FlexDER operator', data: '/api/v1/snapshot', packages: [...PACKAGES, 'uplot'] },
  'bpp-aggregator': { title: 'FlexDER aggregator', data: '/api/v1/view/overview', packages: PACKAGES },
};
const frame = readFileSync(join(root, 'runtime', 'src', 'page', 'index.html'), 'utf8');
for (const [room, page] of Object.entries(PAGES)) await buildPage(join(root, room), page);

async function buildPage(room, { title, data, packages }) {
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
  const of = { title, data, script: named('.js'), style: named('.css') };
  const page = frame.replace(/\{\{(\w+)\}\}/g, (_, name) => of[name]);
  const licences = packages.map(licenceOf).join('\n\n');
  rmSync(outdir, { recursive: true, force: true });
  mkdirSync(outdir, { recursive: true });
  for (const [name, bytes] of [...files, ['index.html', Buffer.from(page)], ['licences.txt', Buffer.from(licences)]]) {
    writeFileSync(join(outdir, name), bytes);
    writeFileSync(join(outdir, `${name}.gz`), gzipSync(bytes, { level: 9 }));
  }
}

function licenceOf(name) {
  const file = createRequire(import.meta.url).resolve(name);
  return `${name}\n\n${readFileSync(join(packageOf(file), 'LICENSE'), 'utf8')}`;
}

function packageOf(file) {
  return existsSync(join(dirname(file), 'package.json')) ? dirname(file) : packageOf(dirname(file));
}
