/** Liveness, readiness and metrics over HTTP. */
import type { Context, Health } from '@flexder/runtime/context.ts';
import { breakerHealth } from '@flexder/runtime/http/breaker.ts';
import { archiveHealth } from '@flexder/runtime/participant/archive/shipper.ts';
import type { OpenParticipant } from '@flexder/runtime/participant/open.ts';
import { checkHealth } from '@flexder/runtime/service.ts';
import type { Express } from 'express';
import { sql } from 'kysely';
import type { Listening } from './grid-monitoring/watch.ts';
import { HEALTH_TIMEOUT_MS, OUTBOX_AGE_MS, UNSEALED_AGE_MS } from './limits.ts';
import { type OpenData, openDataHealth } from './open-data/open.ts';
import type { BapTables } from './tables.ts';

export interface HealthRoutes {
  /** Not ready until the service has started. */
  check: () => Promise<Health>;
}

export function mountHealth(app: Express, context: Context): HealthRoutes {
  const starting: Health = { ready: false, dependencies: { service: { ok: false, detail: 'starting', ageMs: 0 } } };
  const routes: HealthRoutes = { check: async () => starting };
  app.get('/health/live', (_request, response) => void response.json({ live: true }));
  app.get('/health/ready', async (_request, response) => {
    const health = await routes.check();
    response.status(health.ready ? 200 : 503).json(health);
  });
  app.get('/metrics', async (_request, response) => {
    response.type('text/plain; version=0.0.4').send(await context.metrics.text());
  });
  return routes;
}

export function bapHealth(
  context: Context,
  participant: OpenParticipant<BapTables>,
  listening: Pick<Listening, 'checks'>,
  openData: Pick<OpenData, 'statuses'> | undefined,
): Promise<Health> {
  const checks = {
    database: async () => {
      await sql`select 1`.execute(participant.database);
      return { ok: true, detail: 'answers' };
    },
    ...Object.fromEntries(Object.entries(listening.checks()).map(([name, check]) => [name, async () => check])),
    outbox: async () => aged('oldest undelivered effect', participant.oldestOutboxAgeMs(), OUTBOX_AGE_MS),
    // Who is known stays known for a while: its absence makes nobody unready.
    registry: async () => ({ ...participant.registry.health(), needed: false }),
    counterparties: async () => breakerHealth(participant.awayCounterparties()),
    archive: async () => archiveHealth(await participant.archiveBacklog()),
    audit: async () => aged('oldest unsealed record', await participant.audit.oldestUnsealedAgeMs(), UNSEALED_AGE_MS),
    'open-data': async () => openDataHealth(openData),
  };
  return checkHealth(context.wall, checks, HEALTH_TIMEOUT_MS);
}

function aged(what: string, ageMs: number, mostMs: number) {
  return { ok: ageMs <= mostMs, detail: `${what}: ${Math.round(ageMs)} ms, at most ${mostMs} ms` };
}
