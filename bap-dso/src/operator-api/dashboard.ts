/** The page at `/`: its files by name, read once; no path from a request reaches the disk. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Router } from 'express';
import { security } from './http.ts';

const FILES = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/dashboard/style.css': ['style.css', 'text/css; charset=utf-8'],
  '/dashboard/main.js': ['main.js', 'text/javascript; charset=utf-8'],
  '/dashboard/state.js': ['state.js', 'text/javascript; charset=utf-8'],
  '/dashboard/feeders.js': ['feeders.js', 'text/javascript; charset=utf-8'],
  '/dashboard/tables.js': ['tables.js', 'text/javascript; charset=utf-8'],
  '/dashboard/anomalies.js': ['anomalies.js', 'text/javascript; charset=utf-8'],
  '/dashboard/dom.js': ['dom.js', 'text/javascript; charset=utf-8'],
} as const;

export function dashboardRoutes(): Router {
  const folder = dashboardFolder();
  const router = Router();
  for (const [path, [name, type]] of Object.entries(FILES)) {
    const content = readFileSync(join(folder, name));
    router.get(path, security, (_request, response) => {
      response.set({ 'content-type': type, 'cache-control': 'no-cache' }).send(content);
    });
  }
  router.get('/favicon.ico', security, (_request, response) => void response.status(204).end());
  return router;
}

/** `bap-dso/dashboard` of this tree: the programs run from their sources or from a bundle elsewhere in it. */
function dashboardFolder(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const candidate = join(folder, 'bap-dso', 'dashboard');
    if (existsSync(join(candidate, 'index.html'))) return candidate;
    if (dirname(folder) === folder) throw new Error(`no bap-dso/dashboard above ${import.meta.dirname}`);
  }
}
