/** A registry as a target: applications that are accepted as they stand, and what must not come of those that are not. */
import { randomUUID } from 'node:crypto';
import type { AuditEntry } from '@flexder/protocol/audit/record.ts';
import { generateKeys } from '@flexder/protocol/beckn/keys.ts';
import { signMessage } from '@flexder/protocol/beckn/signature.ts';
import { type RegistryService, startRegistry } from '@flexder/registry-mock/main.ts';
import { type RegistryTables, registryMigrations } from '@flexder/registry-mock/registry/tables.ts';
import { CITY, DOMAIN, type Network } from '@flexder/registry-mock/testing/network.ts';
import { OutboundError } from '@flexder/runtime/http/outbound.ts';
import type { ParticipantKeys } from '@flexder/runtime/participant/types.ts';
import { expect } from 'chai';
import type { Kysely } from 'kysely';
import { lastRecord, type Tables } from './watch.ts';
import { sendWire, type WireAnswer, type WireRequest } from './wire.ts';

const MINUTE_MS = 60_000;

export type Application = Record<string, unknown> & { subscriber_id: string; url: string };

export interface RegistryDoor {
  readonly service: RegistryService;
  readonly db: Kysely<RegistryTables>;
  /** URLs that this registry called to challenge somebody; nobody is there. */
  readonly challenged: readonly string[];
  /** Of somebody new, with keys of their own. */
  application(changes?: Record<string, unknown>): Application;
  subscribe(body: unknown, wire?: Partial<WireRequest>): Promise<WireAnswer>;
  post(path: string, bytes: Uint8Array, wire?: Partial<WireRequest>): Promise<WireAnswer>;
  settle(): Promise<void>;
  /** Lets the registry's monotonic time go on, and with it what it allows per second; by itself it stands still. */
  pass(ms: number): void;
  close(): Promise<void>;
}

const JSON_TYPE = ['Content-Type', 'application/json'] as const;

/** A registry of its own in this network's database, whose challenges reach nobody. */
export async function openRegistryDoor(network: Network, profile: 'strict' | 'sandbox'): Promise<RegistryDoor> {
  const id = `registry-${profile}.example`;
  const challenged: string[] = [];
  const http = {
    request: async (url: string) => {
      challenged.push(url);
      throw new OutboundError('connect', 'nobody is there');
    },
    close: async () => {},
  };
  const { wall, ...rest } = network.context(id);
  let nowMs = 0;
  const context = { ...rest, http, wall: { ...wall, monotonicMs: () => nowMs } };
  const place = { host: '127.0.0.1', port: 0, profile, subscriberId: id as never };
  const service = await startRegistry(context, place);
  const db = await context.engines.database.open<RegistryTables>(id, registryMigrations);
  const post: RegistryDoor['post'] = (path, body, wire) =>
    sendWire({ url: `${service.url}${path}`, headers: [JSON_TYPE], body, ...wire });
  return {
    ...{ service, db, challenged, post },
    application: (changes) => applicationOf(profile, changes),
    subscribe: (body, wire) => post('/subscribe', Buffer.from(JSON.stringify(body)), wire),
    settle: () => context.activity.idle(),
    pass: (ms) => {
      nowMs += ms;
    },
    close: () => service.close(),
  };
}

export function applicationOf(profile: 'strict' | 'sandbox', changes: Record<string, unknown> = {}): Application {
  const keys = generateKeys();
  const id = `p-${randomUUID()}.example`;
  return {
    subscriber_id: id,
    url: profile === 'strict' ? `https://${id}.com/beckn` : `http://127.0.0.1:9/${id}`,
    type: 'BPP',
    domain: DOMAIN,
    location: { country: { code: 'GBR' }, city: { code: CITY } },
    key_id: 'key-1',
    signing_public_key: keys.signingPublicKey,
    encr_public_key: keys.encryptionPublicKey,
    valid_from: new Date(Date.now() - MINUTE_MS).toISOString(),
    valid_until: new Date(Date.now() + 60 * MINUTE_MS).toISOString(),
    nonce: randomUUID(),
    ...changes,
  };
}

/** Headers of a request that `subscriberId` signs with `keys`. */
export function signedBy(
  subscriberId: string,
  keys: Pick<ParticipantKeys, 'keyId' | 'signingSeed'>,
  body: unknown,
): Partial<WireRequest> {
  const bytes = Buffer.from(JSON.stringify(body));
  const createdS = Math.floor(Date.now() / 1000);
  const { keyId, signingSeed: seed } = keys;
  const by = { subscriberId: subscriberId as never, keyId, seed, createdS, expiresS: createdS + 30 };
  return { headers: [JSON_TYPE, ['Authorization', signMessage({ body: bytes, ...by })]] };
}

async function subscriptions(db: Kysely<RegistryTables>): Promise<unknown[]> {
  return db.selectFrom('subscription').selectAll().orderBy('subscriber_id').orderBy('key_id').execute();
}

export const lastRecordOf = (db: Kysely<RegistryTables>) => lastRecord(db as unknown as Tables);

export async function recordsOf(db: Kysely<RegistryTables>, afterId: string): Promise<AuditEntry[]> {
  const rows = await db.selectFrom('audit_record').select('record').where('id', '>', afterId).orderBy('id').execute();
  return rows.map(({ record }) => record);
}

export interface RegistryRefusal {
  readonly status: number;
  readonly code: string;
  /** What the answer and the record say. */
  readonly text: RegExp;
}

/** Refused as expected with one record of that; nothing else was written, nobody was called. */
export async function expectRegistryRefusal(
  door: RegistryDoor,
  { status, code, text }: RegistryRefusal,
  attack: () => Promise<WireAnswer>,
): Promise<void> {
  await door.settle();
  const before = await subscriptions(door.db);
  const [mark, calls] = [await lastRecordOf(door.db), door.challenged.length];
  const answer = await attack();
  await door.settle();
  expect([answer.status, answer.body.error?.code], answer.text).to.deep.equal([status, code]);
  expect(answer.body.message?.ack?.status).to.equal('NACK');
  expect(answer.text)
    .to.match(text)
    .and.not.match(/node_modules|\.[tj]s:\d+|\n\s+at /);
  const records = await recordsOf(door.db, mark);
  // One, or one each time it had to be sent.
  expect(records.length, 'records').to.be.within(1, answer.attempts);
  for (const { event_type, actor_role, code: recorded, decision } of records) {
    expect([event_type, actor_role, recorded]).to.deep.equal(['registry.refused', 'REGISTRY', code]);
    expect(decision).to.match(text);
  }
  expect(await subscriptions(door.db)).to.deep.equal(before);
  expect(door.challenged.slice(calls)).to.deep.equal([]);
}
