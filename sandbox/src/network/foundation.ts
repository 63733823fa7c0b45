/** What the services of one process share: the field with its clocks and broker, engines, outbound HTTP. */
import type { GridClock, SteppedGridClock, WallClock } from '@flexder/runtime/clock.ts';
import { type Context, systemIds } from '@flexder/runtime/context.ts';
import type { S3Access } from '@flexder/runtime/engines/archive/config.ts';
import type { BusAccount, DeviceBus } from '@flexder/runtime/engines/bus/port.ts';
import { openEngines } from '@flexder/runtime/engines/open.ts';
import { createOutbound } from '@flexder/runtime/http/safe-outbound.ts';
import { createLogger, type LogLevel } from '@flexder/runtime/logging.ts';
import { createMetrics } from '@flexder/runtime/metrics.ts';
import type { FieldBroker } from './broker.ts';
import type { Closing } from './closing.ts';
import type { Field } from './field.ts';
import { OUTSIDE_QUIET_MS, settle } from './settle.ts';

export interface FoundationOptions {
  /** Where database and archive live; they are left there. */
  readonly dataDir: string;
  /** Default `pglite:memory`; relative directories are below `dataDir`. */
  readonly databaseUrl?: string;
  /** Default where the database is. */
  readonly queueUrl?: string;
  /** Default `memory:`. */
  readonly eventsUrl?: string;
  /** Default `file:archive`. */
  readonly archiveUrl?: string;
  readonly archiveAccess?: S3Access;
  readonly logLevel: LogLevel;
}

export interface Login {
  readonly username: string;
  readonly password: string;
}

export interface Foundation {
  readonly wall: WallClock;
  readonly grid: GridClock;
  /** Present when grid time is stepped. */
  readonly stepped: SteppedGridClock | undefined;
  readonly broker: FieldBroker;
  contextOf(service: string): Context;
  /** Lets an account in at the broker; returns what its owner logs in with. */
  grant(account: BusAccount): Login;
  /** A password nobody chose. */
  secret(): string;
  /** Waits until nothing is in flight in this process. */
  settle(): Promise<void>;
}

export async function layFoundation(options: FoundationOptions, field: Field, closing: Closing): Promise<Foundation> {
  const { dataDir, databaseUrl = 'pglite:memory', archiveUrl = 'file:archive', archiveAccess, logLevel } = options;
  const beside = databaseUrl.startsWith('pglite:') ? 'pglite:' : databaseUrl;
  const { queueUrl = beside, eventsUrl = 'memory:' } = options;
  const { wall, grid, stepped, activity, traffic, accounts, broker } = field;
  const log = createLogger('sandbox', logLevel);
  const ids = systemIds();
  const urls = {
    ...{ databaseUrl, queueUrl, eventsUrl },
    mqttUrl: broker.url,
    ...(broker.mqtt && { mqtt: broker.mqtt }),
    archiveUrl,
    ...(archiveAccess && { archiveAccess }),
  };
  const opened = closing.add(await openEngines(urls, { wall, log, activity, dataDir }));
  const engines = { ...opened, bus: traffic.observe(admitting(opened.bus, broker)) };
  const http = closing.add(createOutbound({ wall }));
  return {
    wall,
    grid,
    stepped,
    broker,
    contextOf: (service) => ({
      wall,
      grid,
      ids,
      log: createLogger(service, logLevel),
      metrics: createMetrics(service),
      activity,
      http,
      engines,
    }),
    grant(account) {
      accounts.add(account);
      return { username: account.username, password: account.password };
    },
    secret: () => Buffer.from(ids.secret(24)).toString('base64url'),
    settle: () => settle(activity, traffic, wall, broker.mqtt ? OUTSIDE_QUIET_MS : 0),
  };
}

/** Whoever connects has been granted an account just now: a broker outside must have been told of it. */
function admitting(bus: DeviceBus, broker: FieldBroker): DeviceBus {
  return {
    ...bus,
    async connect(options) {
      await broker.admitted();
      return bus.connect(options);
    },
  };
}
