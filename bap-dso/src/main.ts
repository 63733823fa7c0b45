/** The DSO as a service: Grid Monitoring, Flex Orchestration, Dispatch and Settlement behind one participant. */
import { subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import type { Context, Service } from '@flexder/runtime/context.ts';
import { ofTenant } from '@flexder/runtime/engines/events/tenant.ts';
import { listen } from '@flexder/runtime/http/listen.ts';
import { opening } from '@flexder/runtime/http/opening.ts';
import {
  type OpenParticipant,
  type OpenParticipantOptions,
  openParticipant,
} from '@flexder/runtime/participant/open.ts';
import { closeAll } from '@flexder/runtime/service.ts';
import express from 'express';
import type { Kysely } from 'kysely';
import { settleOrder } from './audit-settlement/settlement/settle.ts';
import { stepsWithExchange } from './beckn/exchange.ts';
import { bapHandlers } from './beckn/handlers.ts';
import type { BapConfig } from './config.ts';
import { derHandsOf } from './ders/by-hand.ts';
import { noteNetwork } from './ders/known.ts';
import { OffersOnHand } from './ders/offers-on-hand.ts';
import { clearAnomalyAlarms } from './flex-orchestration/alarms/alarms.ts';
import { Together } from './flex-orchestration/buying/together.ts';
import { handsOf } from './flex-orchestration/decisions/by-hand.ts';
import { Restrictions } from './flex-orchestration/decisions/restrictions.ts';
import type { Desk } from './flex-orchestration/desk.ts';
import { Counterparties } from './flex-orchestration/discovery/counterparties.ts';
import { Gathers } from './flex-orchestration/discovery/gather.ts';
import { Events } from './flex-orchestration/events/events.ts';
import { takeFinding } from './flex-orchestration/events/findings.ts';
import { closeLate, closeUndelivered } from './flex-orchestration/orders/closing.ts';
import { Deadlines } from './flex-orchestration/orders/deadlines.ts';
import { knowsExchange } from './flex-orchestration/orders/orders.ts';
import { createSolver } from './flex-orchestration/planning/solver.ts';
import { ReadingWriter } from './grid-monitoring/telemetry/reading-writer.ts';
import { keepReadings } from './grid-monitoring/telemetry/retention.ts';
import { feederViews, streamSamples } from './grid-monitoring/view.ts';
import { type Watch, watchOf } from './grid-monitoring/watch.ts';
import { bapHealth, mountHealth } from './health.ts';
import { migrations } from './migrations.ts';
import { createReach } from './network-model/reach.ts';
import { type OpenData, openOpenData } from './open-data/open.ts';
import { createOperatorApi } from './operator-api/router.ts';
import type { BapTables } from './tables.ts';

/** Starts the DSO and returns when it is subscribed and listens to its feeders. Engines stay the context's. */
export async function startBap(context: Context, config: BapConfig): Promise<Service> {
  const opened: { close(): Promise<void> }[] = [];
  const keep = <P extends { close(): Promise<void> }>(part: P): P => {
    opened.push(part);
    return part;
  };
  try {
    return await open(ofTenant(context, config.subscriberId), config, keep, () => closeAll(opened));
  } catch (error) {
    await closeAll(opened).catch(() => {});
    throw error;
  }
}

type Keep = <P extends { close(): Promise<void> }>(part: P) => P;

async function open(context: Context, config: BapConfig, keep: Keep, close: () => Promise<void>): Promise<Service> {
  const app = express().disable('x-powered-by');
  const health = mountHealth(app, context);
  const doors = opening();
  app.use(doors.door);
  // The port may be a free one, and the participant has to know the URL it registers.
  const http = keep(
    await (context.listen ?? listen)(app, { host: config.host, port: config.port, wall: context.wall }),
  );
  const baseUrl = config.publicUrl ?? http.url;
  const participant: OpenParticipant<BapTables> = keep(
    await openParticipant<BapTables>({
      context,
      config: participantConfig(config, `${baseUrl}/beckn`),
      migrations,
      steps: stepsWithExchange(
        context.wall,
        () => (action, transactionId, bppId) => knowsExchange(participant.database, action, transactionId, bppId),
      ),
    }),
  );
  const writer = new ReadingWriter(context, participant.database);
  keep({ close: () => writer.flushed() });
  keep(keepReadings(context, participant.database));
  const openData = await openedData(context, config, participant, keep);
  const watch = await watchOf(context, config, writer, participant.database, keep, openData);
  const { desk, events } = openRooms(context, config, participant, watch, openData, keep);

  app.use('/beckn', participant.router);
  app.use(
    '/',
    keep(
      createOperatorApi({
        context,
        participant,
        config,
        openData,
        hands: { ...handsOf(desk), ...derHandsOf(desk) },
        offers: desk.offers,
        feeders: () => feederViews(context, watch, events),
      }),
    ),
  );
  doors.open();
  await serve(context, config, participant, desk);
  await participant.subscribe();
  await desk.counterparties.refresh();
  await desk.restrictions.load(desk.participant.database);
  await noteNetwork(desk.participant.database, config.network);
  await events.resume();
  // At the edge anomalies outlive this process.
  if (config.monitoring === 'own') await clearAnomalyAlarms(desk);
  // What the edge tells of is on the stream already.
  const listener = config.monitoring === 'own' ? streamSamples(context, events) : events;
  const listening = keep(
    await watch.start(listener, (message, monitor) => takeFinding(desk, events, monitor, message)),
  );
  health.check = () => bapHealth(context, participant, listening, openData);
  return { name: 'bap', url: http.url, health: () => health.check(), close };
}

/** Off, it asks nobody and is nowhere seen. */
async function openedData(
  context: Context,
  config: BapConfig,
  participant: OpenParticipant<BapTables>,
  keep: Keep,
): Promise<OpenData | undefined> {
  if (!config.openData.enabled) return undefined;
  return keep(await openOpenData(context, config.openData, participant.database as unknown as Kysely<BapTables>));
}

interface Rooms {
  readonly desk: Desk;
  readonly events: Events;
}

/** The rooms know each other through the desk alone. */
function openRooms(
  context: Context,
  config: BapConfig,
  participant: OpenParticipant<BapTables>,
  watch: Watch,
  openData: OpenData | undefined,
  keep: Keep,
): Rooms {
  const events: Events = new Events(() => desk, watch);
  const gathers = new Gathers(context, config);
  const together = new Together(() => desk);
  const deadlines: Deadlines = new Deadlines(context, (obpId, mayHaveCome) => closeLate(desk, obpId, mayHaveCome));
  const desk: Desk = {
    context,
    config,
    participant: participant as unknown as Desk['participant'],
    counterparties: new Counterparties(context, participant),
    gathers,
    together,
    deadlines,
    restrictions: new Restrictions(),
    offers: new OffersOnHand(),
    solver: keep(createSolver(context)),
    ...(config.network ? { reach: createReach(config.network) } : {}),
    openData,
    moved: (eventId) => events.moved(eventId),
    reconsider: () => events.reconsider(),
    inTurn: (eventId, run) => events.inTurn(eventId, run),
  };
  keep({
    close: async () => {
      deadlines.close();
      gathers.close();
      together.close();
      await events.close();
    },
  });
  return { desk, events };
}

async function serve(
  context: Context,
  config: BapConfig,
  participant: OpenParticipant<BapTables>,
  desk: Desk,
): Promise<void> {
  await participant.queue.process({
    settle: (data) =>
      context.activity.track('settle', async () => {
        await settleOrder({ context, participant, config }, (data as { obpId: string }).obpId);
      }),
  });
  await participant.serve(bapHandlers(desk), {
    onUndelivered: (work, undelivered) => closeUndelivered(desk, work, undelivered),
  });
}

function participantConfig(config: BapConfig, url: string): OpenParticipantOptions['config'] {
  const { registryUrl, domain, country, city, networkProfile, keys } = config;
  const id = subscriberId(config.subscriberId);
  return { subscriberId: id, type: 'BAP' as const, url, registryUrl, domain, country, city, networkProfile, keys };
}
