import type { Logger } from '../../logging.ts';
import { engineLimits } from '../limits.ts';
import { inTurn, type SharedSession } from './pool.ts';

/**
 * What a server's background processes do, which PGlite has none of: a checkpoint, without which its log grows for
 * ever, and the vacuum of the table with the most dead rows. Each is a turn of its own, so that statements get between.
 */
export async function maintainOnce(shared: SharedSession): Promise<{ readonly vacuumed: string | undefined }> {
  // The counts of dead rows are a second old at best unless they are asked for.
  await inTurn(shared, undefined, async (session) => {
    await session.run('checkpoint');
    await session.run('select pg_stat_force_next_flush()');
  });
  const { rows } = await inTurn(shared, undefined, (session) =>
    session.run(
      `select format('%I.%I', schemaname, relname) as name from pg_stat_user_tables
       where n_dead_tup > $1 order by n_dead_tup desc limit 1`,
      [engineLimits.deadRows],
    ),
  );
  const name = rows[0]?.name as string | undefined;
  if (name !== undefined) await inTurn(shared, undefined, (session) => session.run(`vacuum (analyze) ${name}`));
  return { vacuumed: name };
}

/** Maintains now and then, until the returned function is called. */
export function maintain(shared: SharedSession, log: Logger): () => void {
  let cancel = () => {};
  let stopped = false;
  const arm = () => {
    if (stopped) return;
    cancel = shared.wall.after(engineLimits.maintenanceMs, () => {
      maintainOnce(shared)
        .catch((error) => {
          if (!stopped) log.warn({ error: String(error) }, 'database maintenance failed');
        })
        .finally(arm);
    });
  };
  arm();
  return () => {
    stopped = true;
    cancel();
  };
}
