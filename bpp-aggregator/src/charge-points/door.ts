/** Where charge points connect: WebSocket, OCPP 1.6J and 2.0.1, Security Profiles 1 and 2. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { isIdentifier } from '@flexder/protocol/beckn/identifiers.ts';
import { publishAllowance } from '@flexder/runtime/engines/bus/rate.ts';
import { listen } from '@flexder/runtime/http/listen.ts';
import { within } from '@flexder/runtime/service.ts';
import type { Rooms } from '../context.ts';
import type { FleetDer } from '../portfolio/der.ts';
import type { Ears } from '../portfolio/listener.ts';
import { contractOf, recordOf } from '../portfolio/store.ts';
import { hashesOf, isPassword } from './accounts.ts';
import type { ChargePoints } from './charge-points.ts';
import type { RpcClient } from './connection.ts';
import { OCPP_LIMITS } from './limits.ts';
import type { Version } from './profile.ts';
import type { ChargePointSettings } from './settings.ts';
import type { MeterState } from './station.ts';

/** The better one first. */
const VERSIONS: readonly Version[] = ['ocpp2.0.1', 'ocpp1.6'];
const PATH = /^\/ocpp\/([\w.-]{1,64})(?:\?.*)?$/;
/** Closing charge points are given this long to say goodbye. */
const GOODBYE_MS = 500;

export interface ChargePointDoor {
  /** What a charge point is given; it adds its identity. */
  readonly url: string;
  close(): Promise<void>;
}

interface Session {
  readonly der: FleetDer;
  readonly meter: MeterState | undefined;
}

/** Rejects when the port is taken. */
export async function openDoor(
  rooms: Rooms,
  chargePoints: ChargePoints,
  settings: ChargePointSettings,
  ears: Ears,
): Promise<ChargePointDoor> {
  const { context, config } = rooms;
  // Its schemas are large, and only who has charge points needs them.
  const { RPCServer } = await import('ocpp-rpc');
  const hashes = hashesOf(config.subscriberId, settings.accounts);
  const rpc = new RPCServer({
    protocols: [...VERSIONS],
    strictMode: true,
    callConcurrency: 1,
    callTimeoutMs: OCPP_LIMITS.answerMs,
    pingIntervalMs: OCPP_LIMITS.pingMs,
    maxBadMessages: OCPP_LIMITS.badMessages,
    wssOptions: { maxPayload: OCPP_LIMITS.messageBytes, perMessageDeflate: false },
  });
  rpc.auth((accept, reject, { identity, password, protocols }) => {
    if (!VERSIONS.some((version) => protocols.has(version))) return refuse(reject, 400, 'subprotocol');
    return admit(rooms, chargePoints, hashes, identity, password).then(
      (session) => (session ? accept(session) : refuse(reject, 401, 'login')),
      (error: unknown) => {
        context.log.error({ error: String(error) }, 'a charge point could not be let in');
        reject(503, 'Service Unavailable');
      },
    );
  });
  const refuse = (reject: (code: number, message: string) => void, code: number, reason: string) => {
    context.metrics.count('ocpp_refused', { reason });
    reject(code, code === 401 ? 'Unauthorized' : 'Bad Request');
  };
  rpc.on('client', (client: RpcClient) => {
    const { der, meter } = client.session as Session;
    chargePoints.welcome(client, der, meter);
  });
  rpc.on('error', (error: unknown) => context.log.warn({ error: String(error) }, 'the door of charge points'));

  await chargePoints.open(ears);
  const { cert, key, host, port } = settings;
  const server = await listen((_request, response) => response.writeHead(426, { upgrade: 'websocket' }).end(), {
    host,
    port,
    wall: context.wall,
    connections: OCPP_LIMITS.connections,
    ...(cert !== undefined && key !== undefined && { tls: { cert, key } }),
  });
  const sockets = new Set<Socket>();
  const mayShake = publishAllowance(OCPP_LIMITS.handshakesPerSecond, OCPP_LIMITS.handshakesAtOnce, () =>
    context.wall.monotonicMs(),
  );
  server.server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    const status = !mayShake() ? '503 Service Unavailable' : isOurs(request) ? undefined : '404 Not Found';
    if (status === undefined) return void rpc.handleUpgrade(request, socket, head).catch(() => socket.destroy());
    context.metrics.count('ocpp_refused', { reason: status.startsWith('503') ? 'flood' : 'path' });
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  });
  const url = `${server.url.replace(/^http/, 'ws')}/ocpp`;
  context.log.info({ url, accounts: hashes.size }, 'charge points may connect');
  return {
    url,
    async close() {
      const closed = server.close();
      await chargePoints.close();
      await within(context.wall, GOODBYE_MS, rpc.close({ code: 1001, reason: 'going away' })).catch(() => {});
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function isOurs({ url = '' }: IncomingMessage): boolean {
  return isIdentifier(PATH.exec(url)?.[1]);
}

/** The device of an identity, when it is a charger of this aggregator and the password is that of its account. */
async function admit(
  rooms: Rooms,
  chargePoints: ChargePoints,
  hashes: ReadonlyMap<string, string>,
  identity: string,
  password: Uint8Array | undefined,
): Promise<Session | undefined> {
  const row = await rooms.database.selectFrom('der').selectAll().where('der_id', '=', identity).executeTakeFirst();
  const isCharger = row?.device_type === 'ev-charger';
  const hash = isCharger ? (hashes.get(identity) ?? row.password_hash) : undefined;
  if (!isPassword(password ?? new Uint8Array(), hash) || !row) return undefined;
  // Enrolled by another process of this aggregator.
  if (!rooms.fleet.get(identity)) rooms.fleet.put(contractOf(row), recordOf(row));
  const der = rooms.fleet.get(identity);
  return der && { der, meter: await chargePoints.expect(der) };
}
