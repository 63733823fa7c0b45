/** Which charge points there are and which process each is connected to: in the tables, so that all processes know. */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Rooms } from '../context.ts';
import type { AggregatorTables } from '../tables.ts';

type Db = Kysely<AggregatorTables>;

/** Of a row of `command`: its device is reached by a broker, or is a charge point connected to this process. */
export function isReachable(processId: string): RawBuilder<boolean> {
  return sql`not exists (select from charge_point p
    where p.der_no = command.der_no and p.process_id is distinct from ${processId}::text)`;
}

/** Of a row of `command`: its device is a charge point connected to this process. */
export function isConnected(processId: string): RawBuilder<boolean> {
  return sql`exists (select from charge_point p where p.der_no = command.der_no and p.process_id = ${processId}::text)`;
}

/** Those of the devices that only another process reaches, or for now none. */
export async function elsewhere(db: Db, { config, process }: Rooms, derNos: readonly number[]): Promise<Set<number>> {
  if (!config.ocpp) return new Set();
  const { rows } = await sql<{ der_no: number }>`
    select der_no from charge_point
    where der_no = any(${derNos}::int[]) and process_id is distinct from ${process.id}::text`.execute(db);
  return new Set(rows.map((row) => row.der_no));
}

/** It is connected here, and from now on nowhere else. */
export async function arrive(db: Db, derNo: number, processId: string): Promise<void> {
  await sql`insert into charge_point (der_no, process_id) values (${derNo}, ${processId})
    on conflict (der_no) do update set process_id = excluded.process_id`.execute(db);
}

/** They are connected here no longer; one that has meanwhile come to another process stays there. */
export async function depart(db: Db, derNos: readonly number[], processId: string): Promise<void> {
  await sql`update charge_point set process_id = null
    where der_no = any(${derNos}::int[]) and process_id = ${processId}::text`.execute(db);
}

/** It speaks MQTT again. */
export async function forget(db: Db, derNo: number): Promise<void> {
  await db.deleteFrom('charge_point').where('der_no', '=', derNo).execute();
}

export interface Whereabouts {
  readonly derNo: number;
  readonly processId: string | null;
}

/** Of the devices in `derNos`, and of all that are said to be connected to this process. */
export async function whereabouts(db: Db, derNos: readonly number[], processId: string): Promise<Whereabouts[]> {
  const { rows } = await sql<{ der_no: number; process_id: string | null }>`
    select der_no, process_id from charge_point
    where der_no = any(${derNos}::int[]) or process_id = ${processId}::text`.execute(db);
  return rows.map((row) => ({ derNo: row.der_no, processId: row.process_id }));
}

/** Every device that has ever come this way, at the start of a process. One that is alone has none connected yet. */
export async function recall(db: Db, shared: boolean): Promise<number[]> {
  if (!shared) await sql`update charge_point set process_id = null where process_id is not null`.execute(db);
  const rows = await db.selectFrom('charge_point').select('der_no').execute();
  return rows.map((row) => row.der_no);
}

/** Orders with commands for charge points connected here that nobody has claimed. */
export async function ordersWaiting(db: Db, processId: string, now: Date, most: number): Promise<number[]> {
  const { rows } = await sql<{ order_no: number }>`
    select order_no from flex_order o
    where o.window_end_at > ${now} and exists (
      select from command
      where command.order_no = o.order_no and command.state = 'PENDING' and command.valid_until > ${now}
        and (command.claimed_by is null or command.claimed_until < clock_timestamp())
        and ${isConnected(processId)})
    order by order_no limit ${most}`.execute(db);
  return rows.map((row) => row.order_no);
}
