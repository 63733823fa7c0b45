/**
 * An aggregator with everything around it in one process, for tests: a registry that knows it and some BAPs, the BAPs
 * themselves, a broker, and devices of one bus client that answer as told. Production code inside, fakes only outside.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CallbackAction, RequestAction } from '@flexder/protocol/beckn/actions.ts';
import { encryptChallenge } from '@flexder/protocol/beckn/challenge.ts';
import { documentRequest } from '@flexder/protocol/beckn/document-request.ts';
import type { BecknBody } from '@flexder/protocol/beckn/envelope.ts';
import {
  type DerId,
  eventId,
  type FeederId,
  feederId,
  type OrderId,
  obpId,
  subscriberId,
} from '@flexder/protocol/beckn/identifiers.ts';
import { generateKeys } from '@flexder/protocol/beckn/keys.ts';
import { signMessage } from '@flexder/protocol/beckn/signature.ts';
import {
  decodeOnInit,
  decodeOnSelect,
  decodeOnStatus,
  encodeConfirm,
  encodeInit,
  encodeSelect,
  type StatusAnswer,
} from '@flexder/protocol/flexibility/codec-v1.ts';
import type { FlexQuote, FlexSelection, OrderReferences, TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import { Activity } from '@flexder/runtime/activity.ts';
import { SteppedGridClock, systemWallClock } from '@flexder/runtime/clock.ts';
import { type Context, systemIds } from '@flexder/runtime/context.ts';
import { aggregatorAccount, memoryAccounts } from '@flexder/runtime/engines/bus/accounts.ts';
import { startBroker } from '@flexder/runtime/engines/bus/broker.ts';
import type { BusClient } from '@flexder/runtime/engines/bus/port.ts';
import { deviceTopic, parseTopic } from '@flexder/runtime/engines/bus/topics.ts';
import { type OpenEngines, openEngines } from '@flexder/runtime/engines/open.ts';
import { listen } from '@flexder/runtime/http/listen.ts';
import { createOutbound } from '@flexder/runtime/http/safe-outbound.ts';
import { createLogger, type LogLevel } from '@flexder/runtime/logging.ts';
import { createMetrics } from '@flexder/runtime/metrics.ts';
import type { DeviceAck, DeviceCommand } from '@flexder/schemas/types.ts';
import { validateBeckn, validateDevice } from '@flexder/schemas/validators.ts';
import express from 'express';
import { request } from 'undici';
import { type AggregatorConfig, type AggregatorSettings, parseConfig } from '../config.ts';
import { type AggregatorService, startAggregator } from '../main.ts';

export const AGGREGATOR = subscriberId('agg-1');
export const START_MS = Date.UTC(2026, 0, 15, 12);
const PATIENCE_MS = 10_000;

export interface BenchOptions {
  /** Devices on each feeder. */
  readonly ders: number;
  /** Feeders, so that tests of one bench do not share devices. Default 1. */
  readonly feeders?: number;
  readonly settings?: Partial<AggregatorSettings>;
  /** The database survives a crash. */
  readonly onDisk?: boolean;
  readonly logLevel?: LogLevel;
}

/** kW of device `index` before and while it is dispatched. */
export const POWER_KW = 7;

export type Behave = (command: DeviceCommand, index: number) => Partial<DeviceAck> | undefined;

export type Bench = Awaited<ReturnType<typeof openBench>>;

export function derIdOf(index: number): DerId {
  return `ev-${String(index).padStart(4, '0')}` as DerId;
}

export function feederOf(index: number) {
  return feederId(`LPN-${String(index).padStart(3, '0')}`);
}

/** Device `index` is on feeder `index / perFeeder`. */
export function portfolioOf(perFeeder: number, feeders = 1) {
  return Array.from({ length: perFeeder * feeders }, (_, index) => ({
    derId: derIdOf(index),
    type: 'ev-charger' as const,
    feederId: feederOf(Math.floor(index / perFeeder)),
    ratedKw: 7.36,
    importMsid: String(1_000_000_000_000 + index),
    exportMsid: null,
    consent: { fromMs: START_MS - 86_400_000, untilMs: START_MS + 86_400_000 },
    essential: false,
  }));
}

export async function openBench(options: BenchOptions) {
  const directory = await mkdtemp(join(tmpdir(), 'flexder-aggregator-'));
  const wall = systemWallClock();
  const log = createLogger('test', options.logLevel ?? 'silent');
  const ids = systemIds();
  const grid = new SteppedGridClock(START_MS);
  const accounts = memoryAccounts();
  const account = aggregatorAccount(AGGREGATOR, 'aggregator-secret');
  accounts.add(account, {
    username: 'fleet',
    password: 'fleet-secret',
    publish: [`flex/v1/${AGGREGATOR}/+/+`],
    subscribe: [`flex/v1/${AGGREGATOR}/+/cmd`],
  });
  const broker = await startBroker({ host: '127.0.0.1', port: 0, accounts, log });
  const http = createOutbound({ wall });
  /** What dies with a process: engines, and what it was doing. */
  const openProcess = async () => {
    const activity = new Activity();
    const engines = await openEngines(
      {
        databaseUrl: options.onDisk ? `pglite:${directory}/database` : 'pglite:memory',
        queueUrl: 'pglite:',
        mqttUrl: broker.url,
        eventsUrl: 'memory:',
        archiveUrl: `file:${directory}/archive`,
      },
      { wall, log, activity },
    );
    const context: Context = { wall, grid, ids, log, metrics: createMetrics('aggregator'), activity, http, engines };
    return context;
  };
  let context = await openProcess();
  const world = await openWorld(wall);
  const bus = await context.engines.bus.connect({ clientId: 'fleet', username: 'fleet', password: 'fleet-secret' });
  const fleet = await openFleet(bus, grid);
  const config = parseConfig({
    host: '127.0.0.1',
    port: 0,
    subscriberId: AGGREGATOR,
    name: 'Aggregator One',
    providerId: 'agg-1',
    registryUrl: world.url,
    networkProfile: 'sandbox',
    busCredentials: { username: account.username, password: account.password },
    portfolio: portfolioOf(options.ders, options.feeders),
    ...options.settings,
  });

  const settle = async () => {
    // A message crosses broker and handler in a few turns of the event loop.
    for (let quiet = 0; quiet < 30; quiet++) {
      if (context.activity.inFlight > 0) {
        quiet = 0;
        await context.activity.idle();
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const closeEngines = () => (context.engines as OpenEngines).close();
  return {
    get context() {
      return context;
    },
    config,
    world,
    fleet,
    grid,
    settle,
    start: (change: Partial<Context> = {}, settings: Partial<AggregatorConfig> = {}): Promise<AggregatorService> =>
      startAggregator({ ...context, ...change }, { ...config, ...settings }),
    /** Waits for something that is not the work of this process, or hangs in it; bounded. */
    async until(what: string, reached: () => boolean | Promise<boolean>) {
      const giveUpMs = wall.monotonicMs() + PATIENCE_MS;
      while (!(await reached())) {
        if (wall.monotonicMs() > giveUpMs) throw new Error(`waited in vain for ${what}`);
        await wall.sleep(10);
      }
    },
    /** The process is gone, with all it had in memory; the next `start` finds what is on disk. */
    async crash() {
      await closeEngines();
      context = await openProcess();
    },
    /** Moves grid time and waits for all that follows. */
    async advance(toMs: number) {
      await settle();
      await grid.advanceTo(toMs);
      await settle();
    },
    /** Everybody online with one reading now. */
    async report(powerOf: (index: number) => number = () => POWER_KW, count = options.ders * (options.feeders ?? 1)) {
      await fleet.report(count, powerOf);
      await settle();
    },
    async close() {
      await bus.close();
      await closeEngines();
      await broker.close();
      await http.close();
      await world.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function openFleet(bus: BusClient, grid: SteppedGridClock) {
  const received: DeviceCommand[] = [];
  const registers = new Map<number, { atMs: number; kwh: number; kw: number }>();
  let seq = 0;
  let behave: Behave = () => ({ result: 'ACCEPTED' });
  const publish = (derId: DerId, kind: 'ack' | 'telemetry' | 'state' | 'birth', body: unknown) =>
    bus.publish(deviceTopic(AGGREGATOR, derId, kind), JSON.stringify(body), { retain: kind === 'state' });
  const ts = () => new Date(grid.nowMs()).toISOString();
  await bus.subscribe(`flex/v1/${AGGREGATOR}/+/cmd`, (message) => {
    const command = JSON.parse(Buffer.from(message.payload).toString('utf8')) as DeviceCommand;
    const verdict = validateDevice('cmd', command);
    if (!verdict.valid) throw new Error(`invalid command ${JSON.stringify(verdict.errors)}`);
    received.push(command);
    const topic = parseTopic(message.topic);
    if (topic?.family !== 'flex') return;
    const answer = behave(command, Number(topic.derId.slice(3)));
    if (!answer) return;
    const { command_id, der_id, sequence } = command;
    void publish(topic.derId, 'ack', { v: 1, command_id, der_id, sequence, result: 'ACCEPTED', ts: ts(), ...answer });
  });
  return {
    received,
    publish,
    ts,
    set behave(how: Behave) {
      behave = how;
    },
    async report(count: number, powerOf: (index: number) => number) {
      const nowMs = grid.nowMs();
      await Promise.all(
        Array.from({ length: count }, async (_, index) => {
          const der_id = derIdOf(index);
          const known = registers.get(index);
          const last = known ?? { atMs: nowMs, kwh: 1_000, kw: 0 };
          const kwh = last.kwh + (last.kw * (nowMs - last.atMs)) / 3_600_000;
          const kw = powerOf(index);
          registers.set(index, { atMs: nowMs, kwh, kw });
          if (!known) await publish(der_id, 'state', { v: 1, der_id, status: 'ONLINE' });
          await publish(der_id, 'telemetry', {
            v: 1,
            der_id,
            ts: ts(),
            seq: seq++,
            power_kw: kw,
            import_kwh: kwh,
            export_kwh: 0,
            available_down_kw: kw,
            mode: 'NORMAL',
            quality: 'GOOD',
          });
        }),
      );
    },
  };
}

interface Waiter {
  readonly matches: (body: BecknBody) => boolean;
  readonly resolve: (body: BecknBody) => void;
}

/** Registry and BAPs on one server. */
async function openWorld(wall: ReturnType<typeof systemWallClock>) {
  const ids = systemIds();
  const app = express();
  app.use(express.json({ limit: '2mb' }));
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  const registryKeys = generateKeys();
  const records = new Map<string, Record<string, unknown>>();
  const callbacks: BecknBody[] = [];
  const waiters = new Set<Waiter>();
  let answer: (body: BecknBody) => { status: number; body: unknown } = () => ({
    status: 200,
    body: { message: { ack: { status: 'ACK' } } },
  });
  const record = (
    id: string,
    type: string,
    url: string,
    keys: { signingPublicKey: string; encryptionPublicKey: string },
  ) => ({
    subscriber_id: id,
    type,
    url,
    domain: 'deg:demand-flexibility',
    city: 'std:020',
    key_id: `${id}-key`,
    signing_public_key: keys.signingPublicKey,
    encr_public_key: keys.encryptionPublicKey,
    valid_from: new Date(0).toISOString(),
    valid_until: '2100-01-01T00:00:00Z',
    status: 'SUBSCRIBED',
  });
  records.set('registry', record('registry', 'LREG', server.url, registryKeys));
  app.post('/lookup', (request, response) => {
    const { subscriber_id, type } = request.body as Record<string, string>;
    const found = [...records.values()].filter(
      (one) => (!subscriber_id || one.subscriber_id === subscriber_id) && (!type || one.type === type),
    );
    response.json(found);
  });
  app.post('/subscribe', async (request, response) => {
    const body = request.body as Record<string, string>;
    response.json({ status: 'UNDER_SUBSCRIPTION' });
    const challenge = encryptChallenge('a challenge', registryKeys.encryptionPrivateKey, String(body.encr_public_key));
    const answered = await post(`${body.url}/on_subscribe`, { subscriber_id: body.subscriber_id, challenge });
    if ((answered.body as { answer?: string }).answer === 'a challenge')
      records.set(String(body.subscriber_id), { ...body, city: 'std:020', status: 'SUBSCRIBED' });
  });
  app.post('/baps/:id/:action', (request, response) => {
    const body = request.body as BecknBody;
    const { status, body: reply } = answer(body);
    response.status(status).json(reply);
    if (status !== 200) return;
    const verdict = validateBeckn(String(request.params.action), body);
    if (!verdict.valid) throw new Error(`invalid ${request.params.action}: ${JSON.stringify(verdict.errors)}`);
    callbacks.push(body);
    for (const waiter of waiters) if (waiter.matches(body)) waiter.resolve(body);
  });

  /** A BAP of this name, with keys of its own: one of a name. */
  function bap(name: string) {
    if (records.has(name)) throw new Error(`there is a ${name} already`);
    const id = subscriberId(name);
    const keys = generateKeys();
    const url = `${server.url}/baps/${id}`;
    records.set(id, record(id, 'BAP', url, keys));
    return {
      id,
      /** Sends a signed request; returns the HTTP answer. */
      async send(
        action: RequestAction,
        message: unknown,
        { transactionId, messageId }: { transactionId: string; messageId?: string },
      ) {
        const bpp = records.get(AGGREGATOR);
        const nowMs = wall.nowMs();
        const body = JSON.stringify({
          context: {
            domain: 'deg:demand-flexibility',
            location: { country: { code: 'GBR' }, city: { code: 'std:020' } },
            action,
            version: '1.1.0',
            bap_id: id,
            bap_uri: url,
            ...(action === 'search' ? {} : { bpp_id: AGGREGATOR, bpp_uri: bpp?.url }),
            transaction_id: transactionId,
            message_id: messageId ?? ids.uuid(),
            timestamp: new Date(nowMs).toISOString(),
            ttl: 'PT30S',
          },
          message,
        });
        const createdS = Math.floor(nowMs / 1000);
        const authorization = signMessage({
          body: Buffer.from(body),
          subscriberId: id,
          keyId: `${id}-key`,
          seed: keys.signingSeed,
          createdS,
          expiresS: createdS + 30,
        });
        return post(`${bpp?.url}/${action}`, body, { authorization });
      },
      async document(path: string) {
        const createdS = Math.floor(wall.nowMs() / 1000);
        const url = `${records.get(AGGREGATOR)?.url}${path}`;
        const authorization = signMessage({
          body: documentRequest(url),
          subscriberId: id,
          keyId: `${id}-key`,
          seed: keys.signingSeed,
          createdS,
          expiresS: createdS + 30,
        });
        const { statusCode, body } = await request(url, {
          headers: { authorization },
        });
        return { status: statusCode, text: await body.text() };
      },
    };
  }

  return {
    url: server.url,
    callbacks,
    bap,
    newId: () => ids.uuid(),
    set answer(how: typeof answer) {
      answer = how;
    },
    /** The first callback (already come or to come) that matches; rejects when it does not come. */
    async next(action: CallbackAction, transactionId: string, also: (body: BecknBody) => boolean = () => true) {
      const matches = (body: BecknBody) =>
        body.context.action === action && body.context.transaction_id === transactionId && also(body);
      const come = callbacks.find(matches);
      if (come) return come;
      return new Promise<BecknBody>((resolve, reject) => {
        const waiter: Waiter = { matches, resolve: (body) => finish(() => resolve(body)) };
        const cancel = wall.after(PATIENCE_MS, () =>
          finish(() => reject(new Error(`no ${action} for ${transactionId}`))),
        );
        const finish = (then: () => void) => {
          cancel();
          waiters.delete(waiter);
          then();
        };
        waiters.add(waiter);
      });
    },
    close: () => server.close(),
  };
}

async function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.statusCode, body: (await response.body.json()) as unknown };
}

/** What is asked of one feeder. */
export interface Ask {
  readonly feeder: FeederId;
  readonly kw: number;
  readonly window: TimeWindow;
}

export function selectionOf({ feeder, kw, window }: Ask): FlexSelection {
  return {
    providerId: 'agg-1',
    fulfillmentId: `window.${feeder}`,
    feederId: feeder,
    window,
    items: [{ itemId: `ev-charger.${feeder}`, kw }],
  };
}

export const REFERENCES: OrderReferences = {
  eventId: eventId('event-1'),
  obpId: obpId('obp-1'),
  obpIdSource: 'network-assigned',
  interventionClass: 'INCENTIVE',
};

export type Buyer = ReturnType<Awaited<ReturnType<typeof openWorld>>['bap']>;

const SELECT_AGAIN = 5;

/** select, and its firm answer. */
export async function buyQuote(bench: Bench, buyer: Buyer, ask: Ask, transactionId = bench.world.newId()) {
  const selection = selectionOf(ask);
  const select = () => buyer.send('select', encodeSelect(selection), { transactionId });
  let { status, body: reply } = await select();
  // What could not be stored in time was not taken: a sender sends it again.
  for (let again = 0; status === 503 && again < SELECT_AGAIN; again++) ({ status, body: reply } = await select());
  if (status !== 200) throw new Error(`select was answered ${status} ${JSON.stringify(reply)}`);
  const body = await bench.world.next('on_select', transactionId);
  if (body.error) return { error: body.error };
  const quote = decodeOnSelect(body as never);
  return {
    quote,
    firm: { ...selection, items: quote.items.map(({ itemId, kw: firmKw }) => ({ itemId, kw: firmKw })) },
  };
}

export async function buyInit(
  bench: Bench,
  buyer: Buyer,
  transactionId: string,
  firm: FlexSelection,
): Promise<OrderId> {
  await buyer.send('init', encodeInit({ selection: firm, references: REFERENCES }), { transactionId });
  const { orderId } = decodeOnInit((await bench.world.next('on_init', transactionId)) as never);
  if (!orderId) throw new Error('on_init gave no order id');
  return orderId;
}

export function confirmation(firm: FlexSelection, quote: FlexQuote, orderId: OrderId, nowMs: number) {
  return encodeConfirm({ orderId, selection: firm, references: REFERENCES, quote }, nowMs);
}

/** The whole purchase. */
export async function buy(bench: Bench, buyer: Buyer, ask: Ask) {
  const transactionId = bench.world.newId();
  const { quote, firm, error } = await buyQuote(bench, buyer, ask, transactionId);
  if (!quote || !firm) throw new Error(`no quote: ${error?.message}`);
  const orderId = await buyInit(bench, buyer, transactionId, firm);
  const sentMs = bench.context.wall.nowMs();
  await buyer.send('confirm', confirmation(firm, quote, orderId, sentMs), { transactionId });
  const confirmed = await bench.world.next('on_confirm', transactionId);
  return { transactionId, quote, firm, orderId, sentMs, confirmed };
}

export function reports(bench: Bench, transactionId: string): StatusAnswer[] {
  return bench.world.callbacks
    .filter(
      (body) => body.context.action === 'on_status' && body.context.transaction_id === transactionId && !body.error,
    )
    .map((body) => decodeOnStatus(body as never));
}
