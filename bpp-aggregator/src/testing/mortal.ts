/**
 * Several processes of one aggregator within a test: each has its own memory, bus connection, job queue workers and
 * HTTP door, and all of them the one database of a bench. One can be killed: from that instant it writes, reads, sends
 * and publishes nothing any more, in the middle of whatever it was doing.
 */
import { Activity } from '@flexder/runtime/activity.ts';
import type { Context } from '@flexder/runtime/context.ts';
import type { BusClient, DeviceBus } from '@flexder/runtime/engines/bus/port.ts';
import type { PgliteDatabase } from '@flexder/runtime/engines/database/pglite.ts';
import type { DatabaseEngine } from '@flexder/runtime/engines/database/port.ts';
import { pgliteQueueEngine } from '@flexder/runtime/engines/queue/pglite.ts';
import { freePort } from '@flexder/runtime/http/free-port.ts';
import type { Outbound } from '@flexder/runtime/http/outbound.ts';
import { createMetrics } from '@flexder/runtime/metrics.ts';
import type { Balancer } from '@flexder/runtime/testing/balancer.ts';
import type { AggregatorConfig } from '../config.ts';
import { type AggregatorService, startAggregator } from '../main.ts';
import type { Bench } from './bench.ts';

/** What a process is about to do; true: it dies instead. */
export interface Death {
  /** `statement` is the query as a tree of Kysely, in JSON. */
  onQuery?(statement: string): boolean;
  /** `published` counts commands to devices so far. */
  onPublish?(published: number): boolean;
  beforePublish?(): Promise<void>;
  onRequest?(url: string): boolean;
}

export interface Mortal {
  readonly service: AggregatorService;
  readonly context: Context;
  readonly isDead: boolean;
  /** Resolves when it has died. */
  readonly death: Promise<void>;
  /** Of what it dies, from now on. */
  doom: Death;
  kill(): void;
  /** Leaves as on SIGTERM. */
  close(): Promise<void>;
}

export async function startMortal(
  bench: Bench,
  balancer: Balancer,
  settings: Partial<AggregatorConfig> = {},
): Promise<Mortal> {
  const { engines, wall, log, http } = bench.context;
  const life = lifeOf();
  const activity = new Activity();
  const queue = pgliteQueueEngine((engines.database as PgliteDatabase).shared, { wall, log, activity });
  const context: Context = {
    ...bench.context,
    activity,
    metrics: createMetrics('aggregator'),
    http: mortalHttp(http, life),
    engines: { ...engines, queue, bus: mortalBus(engines.bus, life), database: mortalDatabase(engines.database, life) },
  };
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  // Before it is ready: the challenge of its subscription comes through the same door.
  balancer.backends = [...balancer.backends, url];
  const config = { ...bench.config, ...settings, port, publicUrl: `${balancer.url}/beckn` };
  const service = await startAggregator(context, config, { shared: true });
  const leave = () => {
    balancer.backends = balancer.backends.filter((origin) => origin !== url);
  };
  const close = async () => {
    leave();
    await service.close().catch((error) => {
      if (!life.dead) throw error;
    });
    await queue.close();
  };
  void life.death.then(close);
  return {
    service,
    context,
    death: life.death,
    get isDead() {
      return life.dead;
    },
    set doom(doom: Death) {
      life.doom = doom;
    },
    get doom() {
      return life.doom;
    },
    kill: () => life.die(),
    close,
  };
}

interface Life {
  dead: boolean;
  doom: Death;
  readonly death: Promise<void>;
  die(): Error;
}

function lifeOf(): Life {
  let tell = () => {};
  const death = new Promise<void>((resolve) => {
    tell = resolve;
  });
  return {
    dead: false,
    doom: {},
    death,
    die() {
      this.dead = true;
      tell();
      return new Error('killed');
    },
  };
}

function mortalDatabase(engine: DatabaseEngine, life: Life): DatabaseEngine {
  return {
    kind: engine.kind,
    close: async () => {},
    async open<Tables>(subscriber: string, migrations: Parameters<DatabaseEngine['open']>[1]) {
      const db = await engine.open<Tables>(subscriber, migrations);
      return db.withPlugin({
        transformQuery({ node }) {
          if (life.dead || life.doom.onQuery?.(JSON.stringify(node))) throw life.die();
          return node;
        },
        transformResult: async ({ result }) => result,
      });
    },
  };
}

function mortalHttp(http: Outbound, life: Life): Outbound {
  return {
    async request(url, options) {
      if (life.dead || life.doom.onRequest?.(url)) throw life.die();
      return http.request(url, options);
    },
    close: async () => {},
  };
}

function mortalBus(bus: DeviceBus, life: Life): DeviceBus {
  return {
    kind: bus.kind,
    url: bus.url,
    async connect(options) {
      const client: BusClient = await bus.connect(options);
      let published = 0;
      return {
        protocolVersion: client.protocolVersion,
        shares: client.shares,
        subscribe: (filter, handler, more) =>
          client.subscribe(filter, (message) => (life.dead ? undefined : handler(message)), more),
        async publish(topic, payload, more) {
          await life.doom.beforePublish?.();
          if (life.dead || life.doom.onPublish?.(published)) throw life.die();
          published++;
          await client.publish(topic, payload, more);
        },
        get connected() {
          return client.connected;
        },
        get counts() {
          return client.counts;
        },
        close: () => client.close(),
      };
    },
  };
}
