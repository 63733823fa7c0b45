/** I2 and I7: once nothing goes wrong any more, everything that was promised ends, and both sides say the same of it. */
import { DSO_ID, GATEWAY_ID } from '@flexder/sandbox/network/ids.ts';
import type { World } from '../world.ts';

const FINAL = new Set(['COMPLETED', 'CANCELLED', 'DECLINED', 'EXPIRED']);
const UNSOLD = new Set(['CANCELLED', 'DECLINED', 'EXPIRED', 'none']);

const participants = ({ scenario }: World) => [
  GATEWAY_ID,
  DSO_ID,
  ...scenario.aggregators.map((one) => one.subscriberId),
];

/** Every message that was acknowledged is dealt with; every effect has left or was given up with a record. */
export async function terminal(world: World): Promise<string[]> {
  const { database, network, queues } = world;
  const broken: string[] = [];
  for (const id of participants(world)) {
    const stored = await database.rows<{ message_id: string; action: string; state: string }>(
      id,
      'select message_id, action, state from inbound_message',
    );
    const states = new Map(stored.map((row) => [`${row.action} ${row.message_id}`, row.state]));
    for (const { by, action, messageId } of network.acknowledged) {
      const state = states.get(`${action} ${messageId}`);
      if (by === id && state !== 'handled')
        broken.push(`${id} acknowledged ${action} ${messageId}: it is ${state ?? 'lost'}`);
    }
    const open = await database.rows<{ what: string }>(
      id,
      `select kind || ' ' || coalesce(payload->>'action', payload->>'name', payload->>'topic', '') as what from outbox
       where done_at is null and failed_at is null`,
    );
    broken.push(...open.map(({ what }) => `${id}: ${what} never left`));
    const silent = await database.rows<{ what: string }>(
      id,
      `select payload->>'action' as what from outbox o where kind = 'message' and failed_at is not null and not exists
       (select from audit_record a where a.record->>'event_type' = 'beckn.undelivered'
         and a.record->>'message_id' = (o.payload->>'text')::jsonb->'context'->>'message_id')`,
    );
    broken.push(...silent.map(({ what }) => `${id}: ${what} was given up without a record`));
  }
  if (queues.open() > 0) broken.push(`${queues.open()} jobs are open`);
  return broken;
}

/** Every need is over, every order has ended, and holds nothing. */
export async function ended(world: World): Promise<string[]> {
  const { database, scenario } = world;
  const broken: string[] = [];
  const events = await database.rows<{ event_id: string; state: string }>(
    DSO_ID,
    'select event_id, state from overload',
  );
  for (const { event_id, state } of events) if (state !== 'RELEASED') broken.push(`${event_id} is ${state}`);
  for (const id of [DSO_ID, ...scenario.aggregators.map((one) => one.subscriberId)]) {
    const orders = await database.rows<{ state: string; id: string }>(
      id,
      `select state, transaction_id || ' ' || coalesce(order_id, '') as id from flex_order`,
    );
    for (const { state, id: order } of orders) if (!FINAL.has(state)) broken.push(`${id}: order ${order} is ${state}`);
    if (id === DSO_ID) continue;
    const held = await database.rows<{ der_id: string; state: string }>(
      id,
      `select d.der_id, o.state from reservation r join flex_order o using (order_no) join der d using (der_no)
       where r.active and o.state in ('CANCELLED', 'DECLINED', 'EXPIRED')`,
    );
    for (const { der_id, state } of held) broken.push(`${id}: ${der_id} is held for an order that is ${state}`);
  }
  return broken;
}

interface Said {
  readonly key: string;
  readonly state: string;
  readonly committed_kw: number;
  readonly revision: number;
}

/** Both sides of every order say the same of its end. */
export async function agreed({ database, scenario }: World): Promise<string[]> {
  const mine = await database.rows<Said>(
    DSO_ID,
    `select bpp_id || ' ' || transaction_id as key, state, committed_kw, revision from flex_order`,
  );
  const theirs = new Map<string, Said>();
  for (const { subscriberId } of scenario.aggregators) {
    const rows = await database.rows<Said>(
      subscriberId,
      'select transaction_id as key, state, committed_kw, revision from flex_order',
    );
    for (const row of rows) theirs.set(`${subscriberId} ${row.key}`, row);
  }
  const broken: string[] = [];
  for (const { key, state, committed_kw, revision } of mine) {
    const said = theirs.get(key);
    const other = said?.state ?? 'none';
    theirs.delete(key);
    const same = state === other || (UNSOLD.has(state) && UNSOLD.has(other));
    if (!same) broken.push(`order ${key} is ${state} at the DSO and ${other} at the aggregator`);
    if (state === 'COMPLETED' && said && (said.committed_kw !== committed_kw || said.revision !== revision))
      broken.push(
        `order ${key} ended with ${committed_kw} kW (revision ${revision}) at the DSO and ${said.committed_kw} kW (${said.revision}) at the aggregator`,
      );
  }
  for (const [key, { state }] of theirs)
    if (!UNSOLD.has(state)) broken.push(`order ${key} is ${state} at the aggregator and unknown to the DSO`);
  return broken;
}
