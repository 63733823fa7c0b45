import { createServer, type Server, type Socket } from 'node:net';
import { Aedes, type Client } from 'aedes';
import type { Logger } from '../../logging.ts';
import { engineLimits } from '../limits.ts';
import { type AccountDirectory, hasPassword } from './accounts.ts';
import { covers, isTopicFilter, isTopicName, matches } from './filters.ts';
import { guardFrames } from './frames.ts';
import type { BusAccount } from './port.ts';
import { allowanceOf } from './rate.ts';
import { indexRetained } from './retained.ts';

export { type AccountDirectory, memoryAccounts } from './accounts.ts';

export interface BrokerOptions {
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
  readonly accounts: AccountDirectory;
  readonly log: Logger;
}

export interface Broker {
  /** `mqtt://host:port` */
  readonly url: string;
  readonly connections: number;
  close(): Promise<void>;
}

/** What the broker knows of a connection once it is authenticated. */
interface Peer {
  readonly account: BusAccount;
  readonly mayPublish: () => boolean;
  readonly filters: Set<string>;
}

// CONNECT carries client id, will, username and password besides.
const FRAME_BYTES = engineLimits.busPayloadBytes + engineLimits.busTopicBytes + 2_048;
const NOT_AUTHORIZED = 5;
const IDENTIFIER_REJECTED = 2;

function refusal(returnCode: number, text: string) {
  return Object.assign(new Error(text), { returnCode });
}

/** Why `account` may not publish `payload` to `topic`; undefined when it may. */
function publishRefusal(account: BusAccount, topic: string, payload: Uint8Array | string): string | undefined {
  if (!isTopicName(topic)) return 'the topic is not one of this bus';
  if (payload.length > engineLimits.busPayloadBytes) return `the payload has ${payload.length} bytes`;
  if (!account.publish.some((filter) => matches(filter, topic))) return 'the account may not publish to this topic';
  return undefined;
}

/**
 * The embedded MQTT 3.1.1 broker: no anonymous connection, each account within its own topics in both directions.
 * A refused subscription gets SUBACK 128, a refused publish the end of its connection (MQTT 3.1.1 has no other no).
 */
export async function startBroker({ host, port, accounts, log }: BrokerOptions): Promise<Broker> {
  const peers = new WeakMap<Client, Peer>();
  const online = new Map<string, Client>();
  const broker = new Aedes({
    connectTimeout: engineLimits.busConnectMs,
    drainTimeout: engineLimits.busDrainMs,
    maxTopicLevels: engineLimits.busTopicLevels,
    preConnect(_client, packet, done) {
      const will = packet.will;
      const account = accounts.find(packet.username ?? '');
      const reason = will && account ? publishRefusal(account, will.topic, will.payload) : undefined;
      done(reason ? new Error(`last will refused: ${reason}`) : null, !reason);
    },
    authenticate(client, username, password, done) {
      const account = accounts.find(username ?? '');
      if (!account || !password || !hasPassword(account, password)) {
        return done(refusal(NOT_AUTHORIZED, `no such account or wrong password: ${username ?? 'anonymous'}`), false);
      }
      // Connecting under the client id of another account would end its connection.
      const holder = online.get(client.id);
      if (holder && peers.get(holder)?.account.username !== account.username) {
        return done(refusal(IDENTIFIER_REJECTED, `client id ${client.id} is in use by another account`), false);
      }
      online.set(client.id, client);
      peers.set(client, { account, mayPublish: allowanceOf(account), filters: new Set() });
      done(null, true);
    },
    authorizePublish(client, packet, done) {
      const peer = client && peers.get(client);
      if (!peer) return done(new Error('a publish outside an authenticated connection'));
      const reason = peer.mayPublish()
        ? publishRefusal(peer.account, packet.topic, packet.payload)
        : 'more messages a second than the account may send';
      done(reason ? new Error(`publish refused: ${reason}`) : null);
    },
    authorizeSubscribe(client, subscription, done) {
      const peer = peers.get(client);
      const allowed =
        peer !== undefined &&
        isTopicFilter(subscription.topic) &&
        peer.filters.size < engineLimits.busFilters &&
        peer.account.subscribe.some((filter) => covers(filter, subscription.topic));
      if (allowed) peer.filters.add(subscription.topic);
      else log.warn({ username: peer?.account.username, filter: subscription.topic }, 'subscription refused');
      done(null, allowed ? subscription : null);
    },
    authorizeForward(client, packet) {
      const filters = peers.get(client)?.account.subscribe;
      return filters?.some((filter) => matches(filter, packet.topic)) ? packet : null;
    },
  });
  await broker.listen();
  indexRetained(broker);
  const failed = (client: Client, error: Error) =>
    log.warn(
      { client: client?.id, username: client && peers.get(client)?.account.username, error: error.message },
      'bus connection ended',
    );
  broker.on('clientError', failed);
  broker.on('connectionError', failed);
  broker.on('clientDisconnect', (client) => {
    if (online.get(client.id) === client) online.delete(client.id);
  });

  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    guardFrames(socket, FRAME_BYTES);
    broker.handle(socket);
  });
  server.maxConnections = engineLimits.busConnections;
  await listening(server, host, port);
  const address = server.address();
  const boundPort = typeof address === 'object' && address ? address.port : port;
  return {
    url: `mqtt://${host.includes(':') ? `[${host}]` : host}:${boundPort}`,
    get connections() {
      return sockets.size;
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
