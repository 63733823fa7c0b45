/** A page: what was built of it by name, read once; no path from a request reaches the disk. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { type RequestHandler, Router } from 'express';
import { security } from './security.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
};
/** The name of a script or a style is made of its content, so it never changes. */
const FOREVER = 'public, max-age=31536000, immutable';

/** The page of a room at `at`, its scripts and styles below `/dashboard`. Throws when it was not built. */
export function pageRoutes(room: string, at: string): Router {
  const folder = pageFolder(room);
  const router = Router();
  for (const name of readdirSync(folder)) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const isPage = name === 'index.html';
    const caching = /-[A-Z0-9]{8}\./.test(name) ? FOREVER : 'no-cache';
    router.get(isPage ? at : `/dashboard/${name}`, security, served(folder, name, type, caching));
  }
  router.get('/favicon.ico', security, (_request, response) => void response.status(204).end());
  return router;
}

function served(folder: string, name: string, type: string, caching: string): RequestHandler {
  const plain = readFileSync(join(folder, name));
  const compressed = readFileSync(join(folder, `${name}.gz`));
  return (request, response) => {
    response.set({ 'content-type': type, 'cache-control': caching }).vary('accept-encoding');
    if (request.acceptsEncodings('gzip') !== 'gzip') return void response.send(plain);
    response.set('content-encoding', 'gzip').send(compressed);
  };
}

/** `<room>/dist/dashboard` of this tree: the programs run from their sources or from a bundle elsewhere in it. */
function pageFolder(room: string): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const candidate = join(folder, room, 'dist', 'dashboard');
    if (existsSync(join(candidate, 'index.html'))) return candidate;
    if (dirname(folder) === folder)
      throw new Error(`no ${room}/dist/dashboard above ${import.meta.dirname}: build it with \`npm run prepare\``);
  }
}
