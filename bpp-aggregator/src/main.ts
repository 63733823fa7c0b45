import type { DerId } from '@flexder/protocol/beckn/identifiers.ts';
import type { Context, Health, Service } from '@flexder/runtime/context.ts';
import { connectPatiently, type PatientClient } from '@flexder/runtime/engines/bus/patient.ts';
import type { BusAccount, BusClient } from '@flexder/runtime/engines/bus/port.ts';
import { deviceTopic } from '@flexder/runtime/engines/bus/topics.ts';
import { ofTenant } from '@flexder/runtime/engines/events/tenant.ts';
import { breakerHealth } from '@flexder/runtime/http/breaker.ts';
import { listen } from '@flexder/runtime/http/listen.ts';
import { opening } from '@flexder/runtime/http/opening.ts';
import { archiveHealth } from '@flexder/runtime/participant/archive/shipper.ts';
import { type Leader, leadAlways, standForLeader } from '@flexder/runtime/participant/leader.ts';
import { type OpenParticipant, openParticipant } from '@flexder/runtime/participant/open.ts';
import { checkHealth, openInOrder, within } from '@flexder/runtime/service.ts';
import { type Kysely, sql } from 'kysely';
import { handlersOf } from './beckn/index.ts';
import { serveLive } from './beckn/track.ts';
import { ChargePoints } from './charge-points/charge-points.ts';
import { openDoor } from './charge-points/door.ts';
import type { AggregatorConfig } from './config.ts';
import type { Rooms } from './context.ts';
import { Answers } from './dispatch/answers.ts';
import { unclaimAll } from './dispatch/claims.ts';
import { busLink, eachWhereItIs } from './dispatch/device-link.ts';
import { DISPATCH_JOB, Dispatcher, type DispatchJob } from './dispatch/dispatcher.ts';
import { rehearse } from './dispatch/rehearsal.ts';
import { CONFIGURATION, now } from './enrolment/changes.ts';
import { enrol } from './enrolment/enrol.ts';
import { importEnrolment } from './enrolment/import.ts';
import { countMaintenance } from './enrolment/maintenance.ts';
import { Programmes } from './enrolment/programmes.ts';
import { mountEnrolment } from './enrolment/routes.ts';
import { createApp, mountApi, mountProbes } from './http.ts';
import { LIMITS } from './limits.ts';
import { DeliveryWatch } from './metering/delivery.ts';
import { HalfHours, importHistory, type MeterHistoryRow } from './metering/half-hours.ts';
import { Readings } from './metering/readings.ts';
import { serveMeterDocument } from './metering/serve.ts';
import { AGGREGATOR_MIGRATIONS } from './migrations.ts';
import { OrderTimers } from './orders/timers.ts';
import { onUndelivered } from './orders/undelivered.ts';
import { Peers } from './peers.ts';
import type { PortfolioDer } from './portfolio/der.ts';
import { Fleet } from './portfolio/fleet.ts';
import { listenToDevices } from './portfolio/listener.ts';
import { Refresh } from './portfolio/refresh.ts';
import { enterPortfolio } from './portfolio/store.ts';
import { remember, resume } from './resume.ts';
import { SharedWork } from './shared-work.ts';
import type { AggregatorTables } from './tables.ts';
import { mountPage } from './view/routes.ts';

export interface AggregatorService extends Service {
  /** Registered base URL of the Beckn side. */
  readonly becknUrl: string;
  /** What OCPP charge points connect to, without their identity; undefined where none may. */
  readonly ocppUrl: string | undefined;
  /** Takes devices into the portfolio; the passwords are told once and kept nowhere. */
  enrol(ders: readonly PortfolioDer[]): Promise<BusAccount[]>;
  /** Half-hour energies from before this aggregator read the meters itself: what baselines look back on. */
  importMeterHistory(rows: readonly MeterHistoryRow[]): Promise<void>;
}

export interface AggregatorOptions {
  /** Other processes of this aggregator work on the same database. Default: whether it is a server. */
  readonly shared?: boolean;
  /** Walk the way of a command before the first order. For a process that is this aggregator's alone. */
  readonly rehearses?: boolean;
}

const HEALTH_TIMEOUT_MS = 2_000;
/** An effect that waits longer than this is a counterparty or an engine that is away. */
const OUTBOX_AGE_MS = 20_000;

/**
 * Starts an aggregator: its tables, its door, its devices, then what a stop left unfinished, and last its place in the
 * registry. Throws when one of these fails, with everything before it closed again.
 */
export async function startAggregator(
  process: Context,
  config: AggregatorConfig,
  { shared, rehearses = false }: AggregatorOptions = {},
): Promise<AggregatorService> {
  const context = ofTenant(process, config.subscriberId);
  const { result, close } = await openInOrder(async (keep) => {
    const app = createApp();
    const { door, open } = opening();
    app.use(door);
    const listening = keep(
      await (context.listen ?? listen)(app, { host: config.host, port: config.port, wall: context.wall }),
    );
    const becknUrl = config.publicUrl ?? `${listening.url}/beckn`;
    const bus = keep(
      await connectPatiently(
        context.engines.bus,
        { clientId: `aggregator-${config.subscriberId}`, instance: context.ids.uuid(), ...config.busCredentials },
        context,
      ),
    );
    const participant = await openParticipant<AggregatorTables>({
      ...participantOptions(context, config, becknUrl),
      ...(shared === undefined ? {} : { shared }),
    });
    let leader: Leader | undefined;
    const rooms = furnish(
      context,
      config,
      becknUrl,
      participant,
      bus,
      () => leader?.isLeader ?? !participant.process.shared,
    );
    // Fan-outs that handlers began end before the bus goes; what they could not send is resumed from the tables.
    keep({ close: () => handOver(rooms) });
    keep(participant);
    keep({ close: async () => closeRooms(rooms) });
    await remember(rooms);
    await enterPortfolio(rooms.database, rooms.fleet, config.portfolio, now(rooms));
    await importEnrolment(rooms, config.enrolment, { actor: CONFIGURATION, reason: 'as the service is configured' });
    countMaintenance(rooms);

    const health = () => healthOf(rooms, participant, bus);
    mountProbes(app, rooms, health);
    mountApi(app, rooms);
    mountPage(app, rooms, participant);
    mountEnrolment(app, rooms);
    app.use(new URL(becknUrl).pathname, participant.router);
    participant.answerDocument('/meter/:orderId', serveMeterDocument(rooms));
    participant.answerDocument('/live/:orderId', serveLive(rooms));
    open();

    await participant.queue.process(
      { [DISPATCH_JOB]: (data) => rooms.dispatcher.work(data as DispatchJob) },
      participant.process.shared ? { concurrency: LIMITS.sharedJobsAtOnce } : {},
    );
    const ears = {
      rooms: () => rooms,
      readings: new Readings(() => rooms),
      answers: new Answers(() => rooms),
      allowances: new Map(),
    };
    await listenToDevices(bus, ears);
    await resume(rooms);
    if (rehearses) await rehearse(rooms, bus);
    const { chargePoints } = rooms;
    const ocpp = chargePoints && config.ocpp && keep(await openDoor(rooms, chargePoints, config.ocpp, ears));
    const halfHours = keep(closable(new HalfHours(() => rooms))).part;
    if (!participant.process.shared) halfHours.start();
    await participant.serve(handlersOf(rooms), {
      onUndelivered: (work, undelivered) => onUndelivered(work, rooms, undelivered),
    });
    await participant.subscribe();
    if (participant.process.shared) {
      const sharedWork = keep(new SharedWork(() => rooms));
      const stand = context.engines.database.kind === 'postgres' ? standForLeader : leadAlways;
      leader = keep(stand(candidate(rooms, halfHours)));
      sharedWork.start();
    }
    return { rooms, health, becknUrl, url: listening.url, ocppUrl: ocpp?.url };
  });
  const { rooms, health, becknUrl, url, ocppUrl } = result;
  return {
    name: config.subscriberId,
    url,
    becknUrl,
    ocppUrl,
    health,
    enrol: (ders) => enrol(rooms, ders),
    importMeterHistory: (rows) => importHistory(rooms, rows),
    close,
  };
}

function participantOptions(context: Context, config: AggregatorConfig, url: string) {
  const { subscriberId, registryUrl, domain, country, city, networkProfile, keys } = config;
  return {
    context,
    config: { subscriberId, type: 'BPP' as const, url, registryUrl, domain, country, city, keys, networkProfile },
    migrations: AGGREGATOR_MIGRATIONS,
  };
}

function furnish(
  context: Context,
  config: AggregatorConfig,
  url: string,
  participant: OpenParticipant<AggregatorTables>,
  bus: BusClient,
  leads: () => boolean,
): Rooms {
  const peers = new Peers(() => rooms);
  const topicOf = (derId: string, kind: 'cmd' | 'ack') => deviceTopic(config.subscriberId, derId as DerId, kind);
  const rooms: Rooms = {
    peers,
    context,
    config,
    url,
    process: { ...participant.process, leads, alone: () => !participant.process.shared || peers.alone },
    fleet: new Fleet(),
    programmes: new Programmes(),
    refresh: new Refresh(() => rooms),
    completed: { battery: 0, 'ev-charger': 0, 'heat-pump': 0 },
    database: participant.database as unknown as Rooms['database'],
    transact: (body) => participant.transact(body),
    dispatcher: new Dispatcher({
      rooms: () => rooms,
      link: eachWhereItIs(
        () => rooms,
        busLink(() => rooms, bus, topicOf),
      ),
      queue: participant.queue,
    }),
    chargePoints: config.ocpp && new ChargePoints(() => rooms),
    timers: new OrderTimers(context),
    delivery: new DeliveryWatch(() => rooms),
  };
  return rooms;
}

/** Half hours and deliveries are the leading process's. */
function candidate(rooms: Rooms, halfHours: HalfHours) {
  const { wall, log } = rooms.context;
  return {
    db: rooms.database as unknown as Kysely<never>,
    wall,
    log,
    onChange(isLeader: boolean) {
      // Whoever led last may have told more of an order than is in memory here.
      rooms.delivery.keepOnly(new Set());
      if (!isLeader) return halfHours.close();
      halfHours.start();
      void halfHours
        .takeOver()
        .catch((error: unknown) => log.error({ error: String(error) }, 'the last half hour could not be rolled up'));
    },
  };
}

async function handOver(rooms: Rooms): Promise<void> {
  await within(rooms.context.wall, LIMITS.closeWaitMs, rooms.dispatcher.idle());
  if (!rooms.process.shared) return;
  await unclaimAll(rooms);
  await rooms.peers.leave();
}

function closeRooms(rooms: Rooms): void {
  rooms.timers.close();
  rooms.delivery.close();
}

function closable<T extends { close(): void }>(part: T) {
  return { part, close: async () => part.close() };
}

function healthOf(
  rooms: Rooms,
  participant: OpenParticipant<AggregatorTables>,
  bus: Pick<PatientClient, 'state'>,
): Promise<Health> {
  const checks = {
    database: async () => {
      await sql`select 1`.execute(rooms.database);
      return { ok: true, detail: rooms.context.engines.database.kind };
    },
    queue: async () => {
      // Without it messages are still taken and devices commanded: no reason to send askers elsewhere.
      const told = await participant.queue.counts().then(
        ({ waiting, failed }) => `${waiting} waiting, ${failed} dead${failed > 0 ? ': see flexder queue' : ''}`,
        (error: Error) => `away, and done without: ${error.message}`,
      );
      return { ok: true, detail: told };
    },
    ...(rooms.chargePoints && {
      'charge-points': async () => ({ ok: true, detail: `${rooms.chargePoints?.size} connected here` }),
    }),
    bus: async () => bus.state,
    ...(rooms.process.shared && {
      processes: async () => ({
        ok: true,
        detail: rooms.process.leads() ? 'this process leads' : 'another process leads, or will soon',
      }),
    }),
    outbox: async () => {
      const ageMs = participant.oldestOutboxAgeMs();
      return { ok: ageMs < OUTBOX_AGE_MS, detail: `oldest effect ${ageMs} ms` };
    },
    counterparties: async () => breakerHealth(participant.awayCounterparties()),
    archive: async () => archiveHealth(await participant.archiveBacklog()),
    portfolio: async () => {
      const ders = rooms.fleet.all();
      const online = ders.filter((der) => der.live.online).length;
      const flagged = ders.filter((der) => der.maintenanceSinceMs !== null).length;
      const maintenance = flagged > 0 ? `, ${flagged} flagged for maintenance` : '';
      return { ok: ders.length <= LIMITS.maxDers, detail: `${online} of ${ders.length} devices online${maintenance}` };
    },
  };
  return checkHealth(rooms.context.wall, checks, HEALTH_TIMEOUT_MS);
}
