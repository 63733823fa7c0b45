/** Ports for services that are started later, by somebody else. */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below what systems give to connections that leave (Linux: from 32768): such a one would take it before the service. */
const [LOWEST, HIGHEST] = [18_000, 32_000];
const ATTEMPTS = 50;

/** A port of the loopback address that nobody listens on now. Throws when none is found. */
export async function freePort(taken: ReadonlySet<number> = new Set()): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(LOWEST, HIGHEST);
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new Error(`no free port found between ${LOWEST} and ${HIGHEST} in ${ATTEMPTS} attempts`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
