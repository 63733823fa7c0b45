/** What a signed message costs at the door, beside a server that only parses the same bytes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ack } from '@flexder/protocol/beckn/envelope.ts';
import { eventId, feederId, keyId, subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { generateKeys } from '@flexder/protocol/beckn/keys.ts';
import { signMessage } from '@flexder/protocol/beckn/signature.ts';
import { encodeSearch } from '@flexder/protocol/flexibility/codec-v1.ts';
import { startRegistry } from '@flexder/registry-mock/main.ts';
import { type Listening, listen } from '@flexder/runtime/http/listen.ts';
import { type OpenParticipant, openParticipant } from '@flexder/runtime/participant/open.ts';
import type { ParticipantConfig, ParticipantKeys } from '@flexder/runtime/participant/types.ts';
import { Closing } from '@flexder/sandbox/network/closing.ts';
import { layField } from '@flexder/sandbox/network/field.ts';
import { type Foundation, layFoundation } from '@flexder/sandbox/network/foundation.ts';
import { CITY, COUNTRY, DOMAIN, HOST, REGISTRY_ID } from '@flexder/sandbox/network/ids.ts';
import express from 'express';
import { type LoadResult, load } from './load.ts';
import { roundedPercentiles } from './report.ts';

export interface InboundBenchOptions {
  /** Messages that count, on each side. */
  readonly n: number;
}

const CONCURRENCY = 16;
/** The two sides take turns, so that a machine that slows down slows both. */
const ROUNDS = 8;
/** Before the figures begin: code that is compiled, connections and statements that are known. */
const WARM_UP = 500;
/** A round stays far below the backlog at which a participant answers 503. */
const LARGEST_ROUND = 1_000;
/** Signed before its round begins; a round takes seconds. */
const LIFETIME_S = 240;
const HALF_HOUR_MS = 1_800_000;

interface Round {
  readonly signed: LoadResult;
  /** Until the last handler's transaction was committed as well. */
  readonly handledSeconds: number;
  readonly bare: LoadResult;
}

interface Bench {
  round(n: number): Promise<Round>;
  readonly bodyBytes: number;
  close(): Promise<void>;
}

/**
 * Signed searches over HTTP with kept connections: verified, validated, stored in PGlite on disk, acknowledged; and the
 * same bodies sent to an express server that only parses them. Client, server and database share one process.
 */
export async function benchInbound(options: InboundBenchOptions, say: (line: string) => void): Promise<object> {
  const perRound = Math.min(LARGEST_ROUND, Math.ceil(options.n / ROUNDS));
  const rounds = Math.ceil(options.n / perRound);
  const folder = mkdtempSync(join(tmpdir(), 'flexder-bench-'));
  const bench = await openBench(folder);
  try {
    await bench.round(WARM_UP);
    const measured: Round[] = [];
    for (let i = 0; i < rounds; i++) {
      measured.push(await bench.round(perRound));
      say(`${i + 1} of ${rounds} rounds`);
    }
    return report(bench.bodyBytes, measured, perRound);
  } finally {
    await bench.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function openBench(dataDir: string): Promise<Bench> {
  const closing = new Closing();
  try {
    const options = { dataDir, databaseUrl: 'pglite:database', logLevel: 'error' } as const;
    const field = closing.add(await layField({ logLevel: 'error', time: 'wall', startMs: 0 }));
    const foundation = await layFoundation(options, field, closing);
    const place = { host: HOST, port: 0, profile: 'sandbox' as const };
    const registry = closing.add(
      await startRegistry(foundation.contextOf('registry'), { ...place, subscriberId: subscriberId(REGISTRY_ID) }),
    );
    const bpp = await openDoor(foundation, closing, registry.url, 'bench-bpp', 'BPP');
    // A handler that decides nothing: what is left is the record and the mark that the message is handled.
    await bpp.participant.serve({ search: async () => {} }, { onUndelivered: async () => {} });
    const bap = await openDoor(foundation, closing, registry.url, 'bench-bap', 'BAP');
    for (const { participant } of [bpp, bap]) await participant.subscribe();
    const bare = closing.add(await listen(bareServer(), { host: HOST, port: 0, wall: foundation.wall }));
    return {
      bodyBytes: searchBody(foundation, bap).length,
      round: (n) => runRound(foundation, bap, bpp.server, bare, n),
      close: () => closing.close(),
    };
  } catch (error) {
    await closing.close().catch(() => {});
    throw error;
  }
}

interface Door {
  readonly server: Listening;
  readonly participant: OpenParticipant<unknown>;
  readonly config: ParticipantConfig;
}

async function openDoor(
  { contextOf, wall }: Foundation,
  closing: Closing,
  registryUrl: string,
  id: string,
  type: 'BAP' | 'BPP',
): Promise<Door> {
  const app = express();
  const server = closing.add(await listen(app, { host: HOST, port: 0, wall }));
  const keys: ParticipantKeys = { keyId: keyId('key-1'), ...generateKeys() };
  const place = { domain: DOMAIN, country: COUNTRY, city: CITY, networkProfile: 'sandbox' } as const;
  const config = { subscriberId: subscriberId(id), type, url: `${server.url}/beckn`, registryUrl, keys, ...place };
  const participant = closing.add(await openParticipant({ context: contextOf(id), config, migrations: {} }));
  app.use('/beckn', participant.router);
  return { server, participant, config };
}

function bareServer() {
  const app = express();
  app.post('/beckn/search', express.json(), (_request, response) => void response.json(ack()));
  return app;
}

async function runRound(
  foundation: Foundation,
  bap: Door,
  door: Listening,
  bare: Listening,
  n: number,
): Promise<Round> {
  const { wall, settle } = foundation;
  const bodies = Array.from({ length: n }, () => searchBody(foundation, bap));
  const requests = bodies.map((body) => ({ body, headers: { authorization: sign(wall, bap, body) } }));
  const plain = bodies.map((body) => ({ body, headers: {} }));
  const shared = { path: '/beckn/search', concurrency: CONCURRENCY, wall };
  const begunMs = wall.monotonicMs();
  const signed = await load({ ...shared, origin: door.url, requests });
  await settle();
  const handledSeconds = (wall.monotonicMs() - begunMs) / 1000;
  return { signed, handledSeconds, bare: await load({ ...shared, origin: bare.url, requests: plain }) };
}

function searchBody({ wall, contextOf }: Foundation, bap: Door): Buffer {
  const { ids } = contextOf('bench');
  const nowMs = wall.nowMs();
  const message = encodeSearch({
    eventId: eventId(`event-${ids.uuid()}`),
    feederId: feederId('feeder-1'),
    direction: 'TURN_DOWN',
    requestedKw: 120.5,
    window: { startMs: nowMs, endMs: nowMs + 2 * HALF_HOUR_MS },
    maxPriceGbpPerKwh: 1,
    minReliability: 0.5,
    maxResponseSeconds: 300,
    interventionClass: 'INCENTIVE',
  });
  const context = {
    domain: DOMAIN,
    location: { country: { code: COUNTRY }, city: { code: CITY } },
    action: 'search',
    version: '1.1.0',
    bap_id: bap.config.subscriberId,
    bap_uri: bap.config.url,
    transaction_id: ids.uuid(),
    message_id: ids.uuid(),
    timestamp: new Date(nowMs).toISOString(),
    ttl: `PT${LIFETIME_S}S`,
  };
  return Buffer.from(JSON.stringify({ context, message }));
}

function sign(wall: Foundation['wall'], { config }: Door, body: Uint8Array): string {
  const createdS = Math.floor(wall.nowMs() / 1000);
  const { subscriberId: id, keys } = config;
  const signer = { subscriberId: id, keyId: keys.keyId, seed: keys.signingSeed };
  return signMessage({ body, ...signer, createdS, expiresS: createdS + LIFETIME_S });
}

function report(bodyBytes: number, rounds: readonly Round[], perRound: number): object {
  const rate = (seconds: number) => perRound / seconds;
  const middle = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  const side = (loads: readonly LoadResult[]) => ({
    perSecond: Math.round(middle(loads.map(({ seconds }) => rate(seconds)))),
    latencyMs: roundedPercentiles(loads.flatMap(({ latenciesMs }) => latenciesMs)),
  });
  const ratios = rounds.map(({ signed, bare }) => rate(signed.seconds) / rate(bare.seconds));
  return {
    bench: 'inbound',
    messages: perRound * rounds.length,
    rounds: rounds.length,
    warmUpExcluded: WARM_UP,
    concurrency: CONCURRENCY,
    bodyBytes,
    signed: side(rounds.map(({ signed }) => signed)),
    /** Acknowledged and handled: what can be kept up for long. */
    handledPerSecond: Math.round(middle(rounds.map(({ handledSeconds }) => rate(handledSeconds)))),
    bareExpress: side(rounds.map(({ bare }) => bare)),
    ratio: Math.round(middle(ratios) * 1000) / 1000,
    ratioByRound: ratios.map((ratio) => Math.round(ratio * 1000) / 1000),
    memoryMb: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}
