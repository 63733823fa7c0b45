/** A whole small network in one process, for tests: registry, gateway and participants on one database in memory. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyId, SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { generateKeys } from '@flexder/protocol/beckn/keys.ts';
import { Activity } from '@flexder/runtime/activity.ts';
import { systemWallClock, wallGridClock } from '@flexder/runtime/clock.ts';
import { type Context, systemIds } from '@flexder/runtime/context.ts';
import { type OpenEngines, openEngines } from '@flexder/runtime/engines/open.ts';
import { type Listening, listen } from '@flexder/runtime/http/listen.ts';
import { createOutbound } from '@flexder/runtime/http/safe-outbound.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { createMetrics } from '@flexder/runtime/metrics.ts';
import { type OpenParticipant, openParticipant } from '@flexder/runtime/participant/open.ts';
import type { ParticipantConfig, ParticipantKeys } from '@flexder/runtime/participant/types.ts';
import express, { type Express } from 'express';
import { type GatewayService, type RegistryService, startGateway, startRegistry } from '../main.ts';

export const DOMAIN = 'deg:demand-flexibility';
export const CITY = 'std:020';

export interface Peer {
  readonly config: ParticipantConfig;
  readonly context: Context;
  readonly participant: OpenParticipant<unknown>;
  readonly app: Express;
  readonly server: Listening;
  close(): Promise<void>;
}

export interface PeerOptions {
  readonly id: string;
  readonly type: 'BAP' | 'BPP';
  readonly keys?: ParticipantKeys;
  readonly previousKeys?: ParticipantKeys;
  /** A port that was in use before. */
  readonly port?: number;
  readonly subscribe?: boolean;
  readonly context?: Partial<Context>;
}

export interface Network {
  readonly engines: OpenEngines;
  readonly registry: RegistryService;
  gateway(): Promise<GatewayService>;
  context(service: string): Context;
  peer(options: PeerOptions): Promise<Peer>;
  close(): Promise<void>;
}

export function newKeys(keyId = 'key-1'): ParticipantKeys {
  return { keyId: keyId as KeyId, ...generateKeys() };
}

export async function openNetwork(): Promise<Network> {
  const directory = await mkdtemp(join(tmpdir(), 'flexder-network-'));
  const wall = systemWallClock();
  const log = createLogger('test', 'silent');
  const activity = new Activity();
  const urls = {
    databaseUrl: 'pglite:memory',
    queueUrl: 'pglite:',
    mqttUrl: 'mqtt://127.0.0.1:1',
    eventsUrl: 'memory:',
    archiveUrl: `file:${directory}`,
  };
  const engines = await openEngines(urls, { wall, log, activity });
  const http = createOutbound({ wall });
  const opened: { close(): Promise<void> }[] = [];
  const context = (service: string): Context => ({
    wall,
    grid: wallGridClock(wall, () => {}),
    ids: systemIds(),
    log,
    metrics: createMetrics(service),
    activity,
    http,
    engines,
  });
  const registry = await startRegistry(context('registry'), { host: '127.0.0.1', port: 0, profile: 'sandbox' });
  return {
    engines,
    registry,
    context,
    async gateway() {
      const gateway = await startGateway(context('gateway'), {
        host: '127.0.0.1',
        port: 0,
        profile: 'sandbox',
        registryUrl: registry.url,
        domain: DOMAIN,
        country: 'GBR',
        city: CITY,
      });
      opened.push(gateway);
      return gateway;
    },
    async peer(options) {
      const peer = await openPeer({ ...context(options.id), ...options.context }, registry.url, options);
      opened.push(peer);
      if (options.subscribe !== false) await peer.participant.subscribe();
      return peer;
    },
    async close() {
      for (const part of opened.reverse()) await part.close();
      await registry.close();
      await engines.close();
      await http.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function openPeer(context: Context, registryUrl: string, options: PeerOptions): Promise<Peer> {
  const app = express();
  const server = await listen(app, { host: '127.0.0.1', port: options.port ?? 0 });
  const config: ParticipantConfig = {
    subscriberId: subscriberId(options.id) as SubscriberId,
    type: options.type,
    url: `${server.url}/beckn`,
    registryUrl,
    domain: DOMAIN,
    country: 'GBR',
    city: CITY,
    keys: options.keys ?? newKeys(),
    previousKeys: options.previousKeys,
    networkProfile: 'sandbox',
  };
  const participant = await openParticipant<unknown>({ context, config, migrations: {} });
  app.use('/beckn', participant.router);
  let closed = false;
  return {
    config,
    context,
    participant,
    app,
    server,
    async close() {
      if (closed) return;
      closed = true;
      await participant.close();
      await server.close();
    },
  };
}
