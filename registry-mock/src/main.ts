import { nack } from '@flexder/protocol/beckn/envelope.ts';
import type { Context, Health, Service } from '@flexder/runtime/context.ts';
import { breakerHealth } from '@flexder/runtime/http/breaker.ts';
import { listen } from '@flexder/runtime/http/listen.ts';
import { opening } from '@flexder/runtime/http/opening.ts';
import { archiveHealth } from '@flexder/runtime/participant/archive/shipper.ts';
import { type OpenParticipant, openParticipant } from '@flexder/runtime/participant/open.ts';
import { type OwnKeyTable, ownKeys } from '@flexder/runtime/participant/own-keys.ts';
import { checkHealth, closeAll } from '@flexder/runtime/service.ts';
import express, { type Express } from 'express';
import { type Kysely, sql } from 'kysely';
import { DEFAULT_GATEWAY_ID, DEFAULT_REGISTRY_ID, type GatewayConfig, type RegistryConfig } from './config.ts';
import { gatewayHandlers } from './gateway/search.ts';
import { HEALTH_TIMEOUT_MS } from './limits.ts';
import { registryApp } from './registry/app.ts';
import { openRegistryAudit } from './registry/audit.ts';
import { present } from './registry/lookup.ts';
import { createSubscriptionStore } from './registry/store.ts';
import { createSubscribe } from './registry/subscribe.ts';
import { type RegistryTables, registryMigrations } from './registry/tables.ts';

export type { GatewayConfig, RegistryConfig } from './config.ts';

export interface RegistryService extends Service {
  /** Takes a key back: from then on it is UNSUBSCRIBED. Returns whether there was one. */
  revoke(subscriberId: string, keyId: string): Promise<boolean>;
  /** Moves the end of a key's validity. */
  expire(subscriberId: string, keyId: string, validUntilMs: number): Promise<boolean>;
}

export interface GatewayService extends Service {
  readonly subscriberId: string;
  readonly participant: OpenParticipant<unknown>;
}

const FOREVER = new Date('2100-01-01T00:00:00Z');

export async function startRegistry(context: Context, config: RegistryConfig): Promise<RegistryService> {
  const { wall } = context;
  const subscriberId = config.subscriberId ?? DEFAULT_REGISTRY_ID;
  const db = await context.engines.database.open<RegistryTables>(subscriberId, registryMigrations);
  const keys = await ownKeys(db as unknown as Kysely<{ own_key: OwnKeyTable }>, context.ids);
  const store = createSubscriptionStore(db);
  const audit = openRegistryAudit(context, { subscriberId, type: 'REGISTRY' }, db);
  const { subscribe, idle } = createSubscribe({ context, store, keys, audit, profile: config.profile });
  const health = () => healthOf(context, db);
  let url = '';
  const started = new Date(wall.nowMs());
  const ownRecord = () =>
    present(
      {
        subscriber_id: subscriberId,
        key_id: keys.keyId,
        type: 'LREG',
        url,
        domain: '*',
        country: '*',
        city: '*',
        signing_public_key: keys.signingPublicKey,
        encr_public_key: keys.encryptionPublicKey,
        valid_from: new Date(0),
        valid_until: FOREVER,
        status: 'SUBSCRIBED',
        created: started,
        updated: started,
      },
      wall.nowMs(),
    );
  const app = registryApp({ context, store, subscribe, audit, ownRecord, health });
  const server = await (context.listen ?? listen)(app, { ...config, wall });
  url = config.url ?? server.url;
  return {
    name: 'registry',
    url,
    health,
    revoke: (id, keyId) => store.change(id, keyId, { status: 'UNSUBSCRIBED' }, new Date(wall.nowMs())),
    expire: (id, keyId, untilMs) => store.change(id, keyId, { valid_until: new Date(untilMs) }, new Date(wall.nowMs())),
    async close() {
      await server.close();
      await idle();
      await audit.close();
    },
  };
}

export async function startGateway(context: Context, config: GatewayConfig): Promise<GatewayService> {
  const subscriberId = config.subscriberId ?? DEFAULT_GATEWAY_ID;
  const app = express();
  app.disable('x-powered-by');
  const { door, open } = opening();
  app.use(door);
  const server = await (context.listen ?? listen)(app, { ...config, wall: context.wall });
  const url = config.url ?? server.url;
  try {
    const participant = await openParticipant<unknown>({
      context,
      config: { ...config, subscriberId, type: 'BG', url, networkProfile: config.profile },
      migrations: {},
    });
    const archive = async () => archiveHealth(await participant.archiveBacklog());
    const counterparties = async () => breakerHealth(participant.awayCounterparties());
    const checks = { archive, counterparties };
    const health = () => healthOf(context, participant.database as unknown as Kysely<unknown>, checks);
    mountHealth(app, health);
    app.use(participant.router);
    open();
    const { handlers, hooks } = gatewayHandlers(participant, context);
    await participant.serve(handlers, hooks);
    await participant.subscribe();
    return { name: 'gateway', url, subscriberId, participant, health, close: () => closeAll([participant, server]) };
  } catch (error) {
    await server.close();
    throw error;
  }
}

function mountHealth(app: Express, health: () => Promise<Health>): void {
  app.get('/health/live', (_request, response) => void response.json({ live: true }));
  app.get('/health/ready', async (_request, response) => {
    const state = await health().catch(() => undefined);
    if (state) response.status(state.ready ? 200 : 503).json(state);
    else response.status(503).json(nack('INTERNAL', 'health cannot be determined'));
  });
}

function healthOf(
  context: Context,
  db: Kysely<RegistryTables> | Kysely<unknown>,
  more: Parameters<typeof checkHealth>[1] = {},
): Promise<Health> {
  const database = async () => {
    await sql`select 1`.execute(db as Kysely<unknown>);
    return { ok: true, detail: 'answers' };
  };
  return checkHealth(context.wall, { database, ...more }, HEALTH_TIMEOUT_MS);
}
