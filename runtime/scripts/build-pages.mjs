// Bundles the pages of DSO and aggregator, each into dist/dashboard of its room: script and style under the hash of
// their content, each also compressed, and the page that names them.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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
  const texts = [...files, ['licences.txt', Buffer.from(licences)], ['index.html', Buffer.from(page)]];
  const built = texts.flatMap(([name, bytes]) => [
    [`${name}.gz`, gzipSync(bytes, { level: 9 })],
    [name, bytes],
  ]);
  mkdirSync(outdir, { recursive: true });
  for (const [name, bytes] of built) replace(join(outdir, name), bytes);
  const kept = new Set(built.map(([name]) => name));
  for (const name of readdirSync(outdir)) if (!kept.has(name)) rmSync(join(outdir, name), { recursive: true });
}

/** In one step: a service that starts meanwhile finds the page of before, or this one, whole. */
function replace(path, bytes) {
  const beside = `${path}.${process.pid}`;
  writeFileSync(beside, bytes);
  renameSync(beside, path);
}

function licenceOf(name) {
  const file = createRequire(import.meta.url).resolve(name);
  return `${name}\n\n${readFileSync(join(packageOf(file), 'LICENSE'), 'utf8')}`;
}

function packageOf(file) {
  return existsSync(join(dirname(file), 'package.json')) ? dirname(file) : packageOf(dirname(file));
}
