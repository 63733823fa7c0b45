/** What the parts of the suite share: accounts, clients that end with their test, ears. */
import type { DerId, FeederId, SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { systemWallClock } from '../../../clock.ts';
import { aggregatorAccount, deviceAccount, dsoAccount, rtuAccount } from '../accounts.ts';
import type { BusAccount, BusClient, BusConnectOptions, BusMessage, DeviceBus } from '../port.ts';
import type { MqttTls } from '../settings.ts';

export const aggregator = 'agg.example' as SubscriberId;
export const rival = 'rival.example' as SubscriberId;
export const der = 'der-1' as DerId;
export const otherDer = 'der-2' as DerId;
export const dso = 'dso.example' as SubscriberId;
export const feeder = 'feeder-1' as FeederId;

export const AGGREGATOR = `aggregator/${aggregator}`;
export const DEVICE = `der/${aggregator}/${der}`;
export const OTHER_DEVICE = `der/${aggregator}/${otherDer}`;

/** The accounts a broker under test must know, each with its ACL. */
export const busAccounts: readonly BusAccount[] = [
  aggregatorAccount(aggregator, 'secret-a'),
  aggregatorAccount(rival, 'secret-r'),
  deviceAccount(aggregator, der, 'secret-1'),
  deviceAccount(aggregator, otherDer, 'secret-2'),
  dsoAccount(dso, 'secret-d'),
  rtuAccount(dso, feeder, 'secret-f'),
];

/** A broker that knows `busAccounts`, and the bus on it. */
export interface BusUnderTest {
  readonly bus: DeviceBus;
  /** What the bus agrees on with this broker. */
  readonly version: 4 | 5;
  /** Whether a filter that is not the account's own is refused; otherwise it is granted and stays empty. */
  readonly refusesFilters: boolean;
  readonly tls?: MqttTls;
  /** Ends the broker and starts it again at the same address. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface Seen {
  readonly messages: BusMessage[];
  readonly handler: (message: BusMessage) => void;
  /** Resolves when `count` messages were seen. */
  until(count: number): Promise<void>;
}

export function seen(): Seen {
  const messages: BusMessage[] = [];
  let wake = () => {};
  return {
    messages,
    handler(message) {
      messages.push(message);
      wake();
    },
    async until(count) {
      while (messages.length < count) await new Promise<void>((resolve) => (wake = resolve));
    },
  };
}

export const wait = (ms: number) => systemWallClock().sleep(ms);

export const text = ({ topic, payload }: BusMessage) => `${topic} ${Buffer.from(payload).toString()}`;

export interface Raw {
  readonly client: MqttClient;
  readonly refused?: Error;
}

export interface Bench {
  /** The broker; there once the suite's `before` has run. */
  readonly under: BusUnderTest;
  as(username: string, more?: Partial<BusConnectOptions>): Promise<BusClient>;
  /** A client without any of our own checks, which does not connect again; resolves once connected or refused. */
  raw(username: string, more?: IClientOptions): Promise<Raw>;
}

/** Registers the hooks of one suite. */
export function bench(open: () => Promise<BusUnderTest>): Bench {
  let under: BusUnderTest | undefined;
  let clients: BusClient[] = [];
  let raws: MqttClient[] = [];
  let serial = 0;
  before(async () => {
    under = await open();
  });
  after(() => under?.close());
  afterEach(async () => {
    for (const client of raws) client.end(true);
    for (const client of clients) await client.close();
    [clients, raws] = [[], []];
  });
  const passwordOf = (username: string) => busAccounts.find((one) => one.username === username)?.password ?? '';
  const self: Bench = {
    get under() {
      return under as BusUnderTest;
    },
    async as(username, more = {}) {
      const options = { clientId: `c${serial++}`, username, password: passwordOf(username), ...more };
      const client = await self.under.bus.connect(options);
      clients.push(client);
      return client;
    },
    raw(username, more = {}) {
      const { bus, version, tls } = self.under;
      const client = connect(bus.url, {
        ...{ ...tls, protocolVersion: version, reconnectPeriod: 0, clientId: `raw${serial++}` },
        ...{ username, password: passwordOf(username) },
        ...more,
      });
      raws.push(client);
      return new Promise((resolve) => {
        client.on('connect', () => resolve({ client }));
        client.on('error', (refused) => resolve({ client, refused }));
        client.on('close', () => resolve({ client, refused: new Error('closed') }));
      });
    },
  };
  return self;
}
