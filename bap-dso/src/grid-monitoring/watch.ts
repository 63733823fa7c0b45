/** How the DSO watches its feeders: by a monitor in its own process, or by what the edge tells over the event stream. */

import type { Context } from '@flexder/runtime/context.ts';
import { connectPatiently, type PatientClient } from '@flexder/runtime/engines/bus/patient.ts';
import type { StreamEvent } from '@flexder/runtime/engines/events/port.ts';
import { closeAll } from '@flexder/runtime/service.ts';
import type { AnomalyChanged, FeederReading, OverloadDetected, WeatherForecast } from '@flexder/schemas/types.ts';
import type { Kysely } from 'kysely';
import { type BapConfig, listensToBus } from '../config.ts';
import { HISTORY_DAYS, SILENCE_LOOKED_BACK_MS } from '../limits.ts';
import { groupBy } from '../network-model/group.ts';
import type { OpenData } from '../open-data/open.ts';
import type { BapTables } from '../tables.ts';
import { DAY_MS } from './forecast/calendar.ts';
import { keepForecasts } from './forecaster/forecast-keeper.ts';
import { type RelievedAt, restoreForecasts } from './forecaster/forecast-restore.ts';
import { lastReadings } from './forecaster/forecast-store.ts';
import { gatherInputs, LiveInputs, restoreInputs, WEATHER_TOPIC } from './forecaster/live-inputs.ts';
import { MONITORING_TOPIC } from './messages.ts';
import { Monitor, type MonitoredFeeder, type MonitorListener } from './monitor.ts';
import { RemoteMonitor } from './remote.ts';
import type { ReadingWriter } from './telemetry/reading-writer.ts';
import { readBus, readStream, subscribed } from './telemetry/sources.ts';

export interface Watch {
  feeder(feederId: string): MonitoredFeeder | undefined;
  feeders(): MonitoredFeeder[];
  reopen(feederId: string): void;
  released(feederId: string, atMs: number): void;
  /** Begins to listen. Findings of the edge are asked of `take`, and again when it throws. */
  start(listener: MonitorListener, take: TakeFinding): Promise<Listening>;
}

export type TakeFinding = (message: OverloadDetected, monitor: RemoteMonitor) => Promise<void>;

export interface Listening {
  /** Whether feeders can be seen, by source. */
  checks(): Record<string, { readonly ok: boolean; readonly detail: string }>;
  close(): Promise<void>;
}

/** @param keep whose part is closed before the database is */
export async function watchOf(
  context: Context,
  config: BapConfig,
  writer: Pick<ReadingWriter, 'add'>,
  db: Kysely<BapTables>,
  keep: <P extends { close(): Promise<void> }>(part: P) => P,
  openData: Pick<OpenData, 'exogenous'> | undefined,
): Promise<Watch> {
  if (config.monitoring === 'stream') return remoteWatch(context, config, writer);
  const live = new LiveInputs();
  await restoreInputs(context, db, live);
  const relieved = await relievedTimes(context, db);
  const beginning = await restoreForecasts(context, db, config.feeders, relieved, live.inputs);
  const monitor = new Monitor(context, config, writer, beginning, live.inputs);
  if (openData) keep(gatherInputs(context, db, live, openData.exogenous));
  if (config.telemetry !== 'mqtt') keep(readWeather(context, live));
  keep(keepForecasts(context, db, monitor));
  keep(monitor.watchSilence((ids) => lastReadings(db, ids, context.grid.nowMs() - SILENCE_LOOKED_BACK_MS)));
  keep(monitor);
  return ownWatch(context, config, monitor);
}

function ownWatch(context: Context, config: BapConfig, monitor: Monitor): Watch {
  return watching(monitor, async (listener) => {
    monitor.listen(listener);
    return listenToTelemetry(context, monitor, {
      ...{ dsoId: config.subscriberId, group: `bap.${config.subscriberId}` },
      stream: config.telemetry !== 'mqtt',
      ...(listensToBus(config) && { bus: { clientId: `dso-${config.subscriberId}`, ...config.busCredentials! } }),
    });
  });
}

export interface TelemetryOptions {
  readonly dsoId: string;
  /** Whether the event stream is a source. */
  readonly stream: boolean;
  readonly group: string;
  /** Present when the device bus is a source. */
  readonly bus?: { readonly clientId: string; readonly username: string; readonly password: string };
}

/** Feeder telemetry into a monitor, from each source that is asked for. */
export async function listenToTelemetry(
  context: Context,
  monitor: Monitor,
  { dsoId, stream, group, bus }: TelemetryOptions,
): Promise<Listening> {
  const opened: { close(): Promise<void> }[] = [];
  if (stream) opened.push(readStream(context, monitor, { group, alone: !bus }));
  const client = bus && (await connectPatiently(context.engines.bus, bus, context));
  if (client) {
    opened.push(client);
    await readBus(client, monitor, dsoId);
  }
  const seen = ({ ok, detail }: PatientClient['state']) => ({
    ok,
    detail: ok ? detail : `${detail}: feeders are not seen`,
  });
  return {
    checks: () => ({
      ...(client && { bus: seen(client.state) }),
      ...(stream && { events: context.engines.events.health() }),
    }),
    close: () => closeAll(opened),
  };
}

function remoteWatch(context: Context, config: BapConfig, writer: Pick<ReadingWriter, 'add'>): Watch {
  const monitor = new RemoteMonitor(context, config, writer);
  return watching(monitor, async (listener, take) => {
    monitor.listen(listener);
    const handle = async ({ value }: StreamEvent) => {
      const message = value as FeederReading | OverloadDetected | AnomalyChanged;
      if (message.type === 'feeder.reading') monitor.reading(message);
      else if (message.type === 'anomaly.changed') await monitor.anomaly(message);
      else await take(message, monitor);
    };
    // A finding that waited for the DSO is looked at too: it may be fresh enough.
    const group = `bap.${config.subscriberId}`;
    const { close } = subscribed(context, MONITORING_TOPIC, () =>
      context.engines.events.subscribe(MONITORING_TOPIC, handle, { group }),
    );
    return { close, checks: () => ({ events: context.engines.events.health() }) };
  });
}

function watching(monitor: Omit<Watch, 'start'>, start: Watch['start']): Watch {
  return {
    feeder: (feederId) => monitor.feeder(feederId),
    feeders: () => monitor.feeders(),
    reopen: (feederId) => monitor.reopen(feederId),
    released: (feederId, atMs) => monitor.released(feederId, atMs),
    start,
  };
}

/** When dispatch changed the load of which feeder, as far back as a history reaches. */
async function relievedTimes({ grid }: Pick<Context, 'grid'>, db: Kysely<BapTables>): Promise<RelievedAt> {
  const since = new Date(grid.nowMs() - HISTORY_DAYS * DAY_MS);
  const rows = await db
    .selectFrom('overload')
    .select(['feeder_id', 'detected_at', 'released_at'])
    .where('detected_at', '>=', since)
    .execute();
  const spans = groupBy(
    rows.map(({ feeder_id, detected_at, released_at }) => ({
      feederId: feeder_id,
      fromMs: detected_at.getTime(),
      toMs: released_at?.getTime() ?? Number.POSITIVE_INFINITY,
    })),
    ({ feederId }) => feederId,
  );
  return (feederId, atMs) => (spans.get(feederId) ?? []).some(({ fromMs, toMs }) => atMs >= fromMs && atMs <= toMs);
}

/** Every process reads all of it: each has feeders of its own. */
function readWeather(context: Context, live: LiveInputs): { close(): Promise<void> } {
  return subscribed(context, WEATHER_TOPIC, () =>
    context.engines.events.subscribe(WEATHER_TOPIC, ({ value }) =>
      live.weather(value as WeatherForecast, context.grid.nowMs()),
    ),
  );
}
