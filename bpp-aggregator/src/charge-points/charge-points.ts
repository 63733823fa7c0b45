import type { DerId } from '@flexder/protocol/beckn/identifiers.ts';
import { within } from '@flexder/runtime/service.ts';
import { sql } from 'kysely';
import type { Rooms } from '../context.ts';
import { type CommandRow, type Outgoing, outgoingOf } from '../dispatch/commands.ts';
import { LIMITS } from '../limits.ts';
import type { FleetDer } from '../portfolio/der.ts';
import { type Ears, hearDirectly } from '../portfolio/listener.ts';
import { Connection, type RpcClient } from './connection.ts';
import { OCPP_LIMITS } from './limits.ts';
import { type Limit, limitOfCommand } from './profile.ts';
import type { MeterState } from './station.ts';
import { arrive, depart, forget, ordersWaiting, recall, whereabouts } from './whereabouts.ts';

/**
 * The chargers that speak OCPP. Each is connected to one process, which alone sends it its commands, out of the rows like
 * any process; what it says goes through the same door as what comes over the bus.
 */
export class ChargePoints {
  readonly #rooms: () => Rooms;
  readonly #connections = new Map<string, Connection>();
  /** Every device that has come this way: no command of theirs goes to a broker. */
  readonly #known = new Set<string>();
  /** Said to be connected here, though they are not, at the last look. */
  #missing = new Set<number>();
  #ears: Ears | undefined;
  #cancel = () => {};
  #looking: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(rooms: () => Rooms) {
    this.#rooms = rooms;
  }

  get size(): number {
    return this.#connections.size;
  }

  knows(derId: string): boolean {
    return this.#known.has(derId);
  }

  isConnected(derId: string): boolean {
    return this.#connections.has(derId);
  }

  /** Hands a command to its charge point's connection; false when it is not connected here, or it is too late. */
  send(orderNo: number, { derId, payload }: Outgoing): boolean {
    return this.#connections.get(derId)?.send(orderNo, payload) ?? false;
  }

  async open(ears: Ears): Promise<void> {
    this.#ears = ears;
    const { database, process, fleet } = this.#rooms();
    for (const derNo of await recall(database, process.shared)) {
      const der = fleet.byNo(derNo);
      if (der) this.#known.add(der.derId);
    }
    this.#lookLater();
  }

  /** Somebody with the right password is about to connect: from here on its commands are this process's. */
  async expect(der: FleetDer): Promise<MeterState | undefined> {
    const { database, process } = this.#rooms();
    this.#known.add(der.derId);
    await arrive(database, der.derNo, process.id);
    return lastMeter(this.#rooms(), der.derNo);
  }

  /** It is connected. An older connection of the same identity ends. */
  welcome(client: RpcClient, der: FleetDer, meter: MeterState | undefined): void {
    const rooms = this.#rooms();
    const { context, config } = rooms;
    const before = this.#connections.get(der.derId);
    const connection = new Connection(client, der, meter, {
      context,
      answerMs: Math.max(OCPP_LIMITS.answerMs, config.answerDeadlineS * 1000),
      hear: (kind, body) => this.#ears && hearDirectly(this.#ears, kind, der.derId, body),
      activationOf: (orderNo) => activationOf(rooms, orderNo, der.derNo),
    });
    this.#connections.set(der.derId, connection);
    client.once('close', () => this.#gone(connection));
    before?.close(1000, 'connected again');
    if (before) context.metrics.count('ocpp_closed', { reason: 'replaced' });
    this.#sayState(der, 'ONLINE');
    context.log.info({ derId: der.derId, protocol: client.protocol }, 'a charge point is connected');
    void context.activity
      .track('ocpp outbox', async () => {
        for (const [orderNo, outgoing] of await unanswered(rooms, der.derNo)) this.send(orderNo, outgoing);
        await this.#sendWaiting();
      })
      .catch((error: unknown) => this.#failed(error));
  }

  /** It is known to speak MQTT again. */
  forget(derId: string): void {
    if (!this.#known.delete(derId)) return;
    const { database, fleet } = this.#rooms();
    const der = fleet.get(derId);
    if (der) void forget(database, der.derNo).catch((error: unknown) => this.#failed(error));
  }

  /** Ends every connection; what is unsent is the next process's, or the next start's. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#looking;
    const { database, process, context } = this.#rooms();
    const ders = [...this.#connections.values()].map(({ der }) => der);
    for (const connection of this.#connections.values()) connection.close(1001, 'going away');
    await within(
      context.wall,
      LIMITS.closeWaitMs,
      depart(
        database,
        ders.map((der) => der.derNo),
        process.id,
      ),
    ).catch((error: unknown) => this.#failed(error));
  }

  #gone(connection: Connection): void {
    const { der } = connection;
    // Replaced already: the new one is connected.
    if (this.#connections.get(der.derId) !== connection) return;
    this.#connections.delete(der.derId);
    this.#sayState(der, 'OFFLINE');
    if (this.#closed) return;
    const { database, process, context } = this.#rooms();
    void context.activity
      .track('ocpp', () => depart(database, [der.derNo], process.id))
      .catch((error: unknown) => this.#failed(error));
  }

  #sayState(der: FleetDer, status: 'ONLINE' | 'OFFLINE'): void {
    if (this.#ears) hearDirectly(this.#ears, 'state', der.derId as DerId, { v: 1, der_id: der.derId, status });
  }

  #lookLater(): void {
    const { context } = this.#rooms();
    this.#cancel = context.wall.after(OCPP_LIMITS.lookMs, () => {
      this.#looking = this.#look()
        .catch((error: unknown) => this.#failed(error))
        .then(() => (this.#closed ? undefined : this.#lookLater()));
    });
  }

  /** What others wrote for the charge points here, and which of these have gone to others. */
  async #look(): Promise<void> {
    const { database, process, context } = this.#rooms();
    const here = new Map([...this.#connections.values()].map((one) => [one.der.derNo, one]));
    const missing = new Set<number>();
    for (const { derNo, processId } of await whereabouts(database, [...here.keys()], process.id)) {
      const connection = here.get(derNo);
      if (processId === process.id) {
        if (!connection) missing.add(derNo);
      } else if (connection && processId !== null) {
        context.metrics.count('ocpp_closed', { reason: 'elsewhere' });
        connection.close(1000, 'connected to another process');
      }
    }
    // A handshake under way is said to be connected a moment before it is.
    const lost = [...missing].filter((derNo) => this.#missing.has(derNo) && !this.#isHere(derNo));
    this.#missing = missing;
    if (lost.length > 0) await depart(database, lost, process.id);
    await this.#sendWaiting();
  }

  #isHere(derNo: number): boolean {
    const der = this.#rooms().fleet.byNo(derNo);
    return der !== undefined && this.#connections.has(der.derId);
  }

  async #sendWaiting(): Promise<void> {
    if (this.#connections.size === 0 || this.#closed) return;
    const { database, process, context, dispatcher } = this.#rooms();
    const now = new Date(context.grid.nowMs());
    for (const orderNo of await ordersWaiting(database, process.id, now, LIMITS.ordersPerSweep))
      await dispatcher.takeOver(orderNo, 'connected');
  }

  #failed(error: unknown): void {
    const { metrics, log } = this.#rooms().context;
    metrics.count('ocpp_failed');
    log.error({ error: String(error) }, 'work for charge points failed; it is tried again soon');
  }
}

/** Commands it was sent and did not answer, of those that still hold: the connection may have broken in between. */
async function unanswered({ database, context }: Rooms, derNo: number): Promise<[number, Outgoing][]> {
  const { rows } = await sql<CommandRow>`
    select c.*, o.order_id, o.order_references from command c join flex_order o on o.order_no = c.order_no
    where c.der_no = ${derNo} and c.state = 'SENT' and c.answer is null
      and c.valid_until > ${new Date(context.grid.nowMs())}
      and not exists (select from command l where l.der_no = c.der_no and l.order_no = c.order_no and l.sequence > c.sequence)
    order by c.sequence desc limit ${OCPP_LIMITS.pendingCommands}`.execute(database);
  return rows.reverse().map((row) => [row.order_no, outgoingOf(row)]);
}

async function activationOf({ database }: Rooms, orderNo: number, derNo: number): Promise<Limit | undefined> {
  const { rows } = await sql<CommandRow>`
    select c.*, o.order_id, o.order_references from command c join flex_order o on o.order_no = c.order_no
    where c.order_no = ${orderNo} and c.der_no = ${derNo} and c.command_type <> 'RELEASE'
      and c.answer = 'ACCEPTED'
    order by c.sequence desc limit 1`.execute(database);
  return rows[0] && limitOfCommand(outgoingOf(rows[0]).payload);
}

async function lastMeter({ database }: Rooms, derNo: number): Promise<MeterState | undefined> {
  const row = await database
    .selectFrom('der_reading')
    .select(['read_at', 'power_kw', 'import_kwh', 'export_kwh'])
    .where('der_no', '=', derNo)
    .orderBy('read_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return (
    row && { atMs: row.read_at.getTime(), powerKw: row.power_kw, importKwh: row.import_kwh, exportKwh: row.export_kwh }
  );
}
