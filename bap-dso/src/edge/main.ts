/**
 * Grid Monitoring alone, near the feeders: the code of the DSO's own monitor, with the event stream in place of Flex
 * Orchestration. It starts, watches and finds whether the stream can be reached or not.
 */

import type { Context, Service } from '@flexder/runtime/context.ts';
import { ofTenant } from '@flexder/runtime/engines/events/tenant.ts';
import { openRecorder, type Recorder } from '@flexder/runtime/participant/recorder.ts';
import { checkHealth, openInOrder } from '@flexder/runtime/service.ts';
import { type Kysely, sql } from 'kysely';
import { keepForecasts } from '../grid-monitoring/forecaster/forecast-keeper.ts';
import { restoreForecasts } from '../grid-monitoring/forecaster/forecast-restore.ts';
import { type ForecastTables, lastReadings } from '../grid-monitoring/forecaster/forecast-store.ts';
import { Monitor } from '../grid-monitoring/monitor.ts';
import { ReadingWriter } from '../grid-monitoring/telemetry/reading-writer.ts';
import { subscribed } from '../grid-monitoring/telemetry/sources.ts';
import { type Listening, listenToTelemetry } from '../grid-monitoring/watch.ts';
import { HEALTH_TIMEOUT_MS, SILENCE_LOOKED_BACK_MS } from '../limits.ts';
import { readingMigrations } from '../migrations.ts';
import type { BapTables } from '../tables.ts';
import type { EdgeConfig } from './config.ts';
import { ownerMigration, ownTables } from './owner.ts';
import { hearPeers } from './peers.ts';
import { Reporter } from './reporter.ts';

type EdgeTables = ForecastTables;

/** Starts the monitor and returns when it listens to its feeders. Engines stay the context's. */
export async function startMonitor(process: Context, config: EdgeConfig): Promise<Service> {
  const { monitorId, dsoId, group } = config;
  const context = ofTenant(process, dsoId);
  const { result, close } = await openInOrder(async (keep) => {
    const migrations = { ...readingMigrations, '0003-owner': ownerMigration };
    const recorder = keep(await openRecorder<EdgeTables>({ context, id: monitorId, migrations }));
    await ownTables(recorder.database as unknown as Kysely<unknown>, monitorId, dsoId);
    const writer = new ReadingWriter(context, recorder.database as unknown as Kysely<BapTables>);
    keep({ close: () => writer.flushed() });
    const database = recorder.database as unknown as Kysely<ForecastTables>;
    const beginning = await restoreForecasts(context, database, config.feeders);
    const monitor = new Monitor(context, { ...config, subscriberId: dsoId }, writer, beginning);
    keep(keepForecasts(context, database, monitor));
    const backMs = SILENCE_LOOKED_BACK_MS;
    keep(monitor.watchSilence((ids) => lastReadings(database, ids, context.grid.nowMs() - backMs)));
    keep(monitor);
    const reporter = new Reporter(context, monitorId, monitor, (event) =>
      recorder.transact(async (work) => work.emit(event)),
    );
    monitor.listen(reporter);
    // Every monitor hears of all events; it keeps to those of its feeders.
    const { events } = context.engines;
    keep(subscribed(context, 'bap', () => events.subscribe('bap', (event) => reporter.onChange(event))));
    // What is read and told by those that share the feeders with it, under names of their own.
    if (config.shared) keep(hearPeers(context, monitorId, monitor));
    const listening = keep(
      await listenToTelemetry(context, monitor, {
        ...{ dsoId, group, stream: config.telemetry !== 'mqtt' },
        ...(config.telemetry !== 'stream' && {
          bus: { clientId: `monitor-${monitorId}`, ...config.busCredentials! },
        }),
      }),
    );
    return { recorder, listening };
  });
  const health = () => edgeHealth(context, config, result.recorder, result.listening);
  return { name: 'monitor', url: '', health, close };
}

/** An uplink that is down is told and is no fault of this process: it goes on finding, and what it finds waits. */
function edgeHealth(context: Context, config: EdgeConfig, recorder: Recorder<EdgeTables>, listening: Listening) {
  // One of two sources may be away: feeders are seen by the other.
  const seen = (name: string, ok: boolean) => ok || (name === 'events' && config.telemetry === 'both');
  const sources = Object.entries(listening.checks()).map(([name, { ok, detail }]) => [
    `telemetry-${name}`,
    async () => ({ ok: seen(name, ok), detail }),
  ]);
  const uplink = context.engines.events.health();
  const checks = {
    database: async () => {
      await sql`select 1`.execute(recorder.database);
      return { ok: true, detail: 'answers' };
    },
    ...Object.fromEntries(sources),
    uplink: async () => ({
      ok: true,
      detail: `${uplink.ok ? 'up' : 'down'}: ${uplink.detail}; the oldest event has waited ${recorder.oldestEventAgeMs()} ms`,
    }),
  };
  return checkHealth(context.wall, checks, HEALTH_TIMEOUT_MS);
}
