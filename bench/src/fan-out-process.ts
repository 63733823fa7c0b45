/** One process of the bench: the aggregator's dispatcher on its tables, its queue and its bus, and nothing else of it. */
import type { Rooms } from '@flexder/bpp-aggregator/context.ts';
import { busLink } from '@flexder/bpp-aggregator/dispatch/device-link.ts';
import { batchOf, DISPATCH_JOB, Dispatcher, type DispatchJob } from '@flexder/bpp-aggregator/dispatch/dispatcher.ts';
import { LIMITS } from '@flexder/bpp-aggregator/limits.ts';
import { AGGREGATOR_MIGRATIONS } from '@flexder/bpp-aggregator/migrations.ts';
import { Fleet } from '@flexder/bpp-aggregator/portfolio/fleet.ts';
import type { AggregatorTables } from '@flexder/bpp-aggregator/tables.ts';
import { type DerId, type SubscriberId, subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { Activity } from '@flexder/runtime/activity.ts';
import { systemWallClock, wallGridClock } from '@flexder/runtime/clock.ts';
import { systemIds } from '@flexder/runtime/context.ts';
import { aggregatorAccount } from '@flexder/runtime/engines/bus/accounts.ts';
import type { BusClient } from '@flexder/runtime/engines/bus/port.ts';
import { deviceTopic } from '@flexder/runtime/engines/bus/topics.ts';
import { openEngines } from '@flexder/runtime/engines/open.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { createMetrics } from '@flexder/runtime/metrics.ts';
import { participantMigrations } from '@flexder/runtime/participant/open.ts';
import { sql } from 'kysely';

export interface FanOutPlace {
  readonly aggregator: string;
  readonly databaseUrl: string;
  readonly queueUrl: string;
  readonly mqttUrl: string;
  readonly password: string;
}

/** Works on jobs when `works`; else only sees the tables and the queue. */
export async function openFanOut(place: FanOutPlace, works: boolean) {
  const wall = systemWallClock();
  const ids = systemIds();
  const log = createLogger('bench', 'error');
  const activity = new Activity();
  const { databaseUrl, queueUrl, mqttUrl } = place;
  const urls = { databaseUrl, queueUrl, mqttUrl, eventsUrl: 'memory:', archiveUrl: 'file:.flexder/bench' };
  const engines = await openEngines(urls, { wall, log, activity });
  const id: SubscriberId = subscriberId(place.aggregator);
  const database = await engines.database.open<AggregatorTables>(id, {
    ...participantMigrations,
    ...AGGREGATOR_MIGRATIONS,
  });
  const queue = await engines.queue.open(id);
  let bus: BusClient | undefined;
  if (works) {
    const { username } = aggregatorAccount(id, '');
    const login = { clientId: 'bench', instance: ids.uuid(), username, password: place.password };
    const client = await engines.bus.connect(login);
    bus = client;
    const grid = wallGridClock(wall, () => {});
    const rooms = {
      context: { wall, grid, ids, log, activity, metrics: createMetrics('bench'), engines },
      config: {},
      fleet: new Fleet(),
      process: { id: ids.uuid(), shared: true, leads: () => false },
      database,
      // The report of the finished fan-out needs a whole participant; it is not what is measured.
      transact: async () => {},
    } as unknown as Rooms;
    const topicOf = (derId: string, kind: 'cmd' | 'ack') => deviceTopic(id, derId as DerId, kind);
    const link = busLink(() => rooms, client, topicOf);
    const dispatcher = new Dispatcher({ rooms: () => rooms, link, queue });
    await queue.process(
      { [DISPATCH_JOB]: (data) => dispatcher.work(data as DispatchJob) },
      { concurrency: LIMITS.sharedJobsAtOnce },
    );
  }
  const close = async () => {
    await engines.close();
    await bus?.close();
  };
  return { database, queue, close };
}

export async function runFanOutProcess(place: string, ended: Promise<unknown>, say: (line: string) => void) {
  const running = await openFanOut(JSON.parse(place) as FanOutPlace, true);
  say('ready');
  await ended;
  await running.close();
}

type Open = Pick<Awaited<ReturnType<typeof openFanOut>>, 'database'>;

/** What a confirm leaves in the tables: an order, and one unsent command a device. */
export async function placeOrder({ database }: Open, ders: number, round: number): Promise<number> {
  await sql`
    insert into der (der_id, device_type, feeder_id, rated_kw, import_msid, consent_from, consent_until, essential)
    select 'ev-' || i, 'ev-charger', 'f', 7, lpad(i::text, 13, '0'), now(), now() + interval '1 day', false
    from generate_series(1, ${ders}::int) i on conflict do nothing`.execute(database);
  const { rows } = await sql<{ order_no: number }>`
    insert into flex_order (bap_id, transaction_id, order_id, state, feeder_id, window_start_at, window_end_at, selection,
      quote, quote_until_wall_at, order_references, committed_kw, created_wall_at, updated_wall_at)
    values ('dso', ${`t-${round}`}::text, ${`o-${round}`}::text, 'SCHEDULED', 'f', now(), now() + interval '1 hour', '{}', '{}',
      now(), '{"obpId":"obp-1","eventId":"event-1"}', 1, now(), now())
    returning order_no`.execute(database);
  const orderNo = rows[0]!.order_no;
  await sql`
    insert into command (command_id, order_no, der_no, der_id, sequence, command_type, target_kw, shed_kw, baseline_kw,
      start_at, stop_at, valid_until, release_delay_s, issued_at, claimed_until)
    select gen_random_uuid()::text, ${orderNo}::int, der_no, der_id, ${round}::int, 'IMPORT_CAPACITY_LIMIT', 0, 7, 7,
      now(), now() + interval '1 hour', now() + interval '1 hour', 0, now(), now() + interval '1 hour'
    from der`.execute(database);
  await sql`analyze command`.execute(database);
  return orderNo;
}

/** As the dispatcher of the confirming process adds them. */
export function fanOutJobs(orderNo: number, ders: number) {
  const batch = batchOf(ders);
  return Array.from({ length: Math.ceil(ders / batch) }, (_, index) => ({
    name: DISPATCH_JOB,
    id: `${DISPATCH_JOB}-${orderNo}-${index}`,
    data: { orderNo, batch },
    attempts: LIMITS.dispatchAttempts,
    backoffMs: LIMITS.dispatchBackoffMs,
  }));
}

/** When each command that was sent was handed to the broker, epoch milliseconds. */
export async function timesOf({ database }: Open, orderNo: number): Promise<number[]> {
  const { rows } = await sql<{ at: Date }>`
    select sent_wall_at as at from command where order_no = ${orderNo} and state = 'SENT'`.execute(database);
  return rows.map(({ at }) => at.getTime());
}
