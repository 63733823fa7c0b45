/** I5: every transition, every message sent and received has its audit record, in order, in one unbroken chain. */
import { createHash } from 'node:crypto';
import { DSO_ID, GATEWAY_ID } from '@flexder/sandbox/network/ids.ts';
import type { World } from '../world.ts';
import { canonical } from './ledger.ts';

interface Row {
  readonly id: string;
  readonly seq: string | null;
  readonly hash: string | null;
  readonly record: Record<string, unknown> & { readonly prev_hash?: string; readonly decision?: string };
}

const GENESIS = '0'.repeat(64);

export async function recorded(world: World): Promise<string[]> {
  const broken: string[] = [];
  const { database, scenario } = world;
  const all = [GATEWAY_ID, DSO_ID, ...scenario.aggregators.map(({ subscriberId }) => subscriberId)];
  for (const id of all) {
    const rows = await database.rows<Row>(id, 'select id, seq, hash, record from audit_record order by id');
    broken.push(...unbroken(rows).map((what) => `${id}: ${what}`));
    broken.push(...(await unrecorded(world, id)).map((what) => `${id}: ${what}`));
    if (id === DSO_ID) broken.push(...(await transitions(world, rows)));
    else if (id !== GATEWAY_ID) broken.push(...(await movesOf(world, id)));
  }
  return broken;
}

/** Sealed records are one chain, in the order in which they were written; unsealed ones come after them. */
function unbroken(rows: readonly Row[]): string[] {
  const broken: string[] = [];
  let [seq, hash] = [0, GENESIS];
  for (const row of rows) {
    if (row.seq === null) break;
    const { hash: _, ...content } = row.record;
    if (Number(row.seq) !== seq + 1) broken.push(`record ${row.id} is number ${row.seq} of the chain, after ${seq}`);
    if (row.record.prev_hash !== hash) broken.push(`record ${row.id} does not follow the one before it`);
    const expected = createHash('sha256').update(canonical(content)).digest('hex');
    if (row.hash !== expected) broken.push(`record ${row.id} does not have its hash`);
    [seq, hash] = [Number(row.seq), row.hash ?? ''];
  }
  const last = rows.findLastIndex((row) => row.seq !== null);
  if (rows.slice(0, last + 1).some((row) => row.seq === null)) broken.push('a record was left out of the chain');
  return broken;
}

/** Messages without a record of their own. */
async function unrecorded({ database }: World, id: string): Promise<string[]> {
  const received = await database.rows<{ what: string; count: string }>(
    id,
    `select m.signer || ' ' || m.action || ' ' || m.message_id as what, count(a.id) as count from inbound_message m
     left join audit_record a on a.record->>'event_type' = 'beckn.received' and a.record->>'message_id' = m.message_id
       and a.record->>'beckn_action' = m.action and a.record->>'counterparty_id' = m.signer
     where m.state = 'handled' group by 1 having count(a.id) <> 1`,
  );
  const sent = await database.rows<{ what: string }>(
    id,
    `select o.payload->>'action' || ' to ' || (o.payload->>'to') as what from outbox o where o.kind = 'message'
     and not exists (select from audit_record a where a.record->>'event_type' in ('beckn.sent', 'beckn.forwarded')
       and a.record->>'message_id' = (o.payload->>'text')::jsonb->'context'->>'message_id'
       and a.record->>'beckn_action' = o.payload->>'action' and a.record->>'counterparty_id' = o.payload->>'to')`,
  );
  return [
    ...received.map(({ what, count }) => `${what} was handled and has ${count} records`),
    ...sent.map(({ what }) => `${what} was sent without a record`),
  ];
}

/** The DSO's records say from which state to which: together they lead from the first to the present one. */
async function transitions({ database }: World, rows: readonly Row[]): Promise<string[]> {
  const orders = await database.rows<{ obp_id: string; state: string }>(DSO_ID, 'select obp_id, state from flex_order');
  const broken: string[] = [];
  for (const { obp_id, state } of orders) {
    let at = 'SELECTING';
    for (const { record } of rows) {
      if (record.obp_id !== obp_id || record.event_type !== 'order.changed') continue;
      const [, from, to] = /^(\w+) → (\w+)/.exec(String(record.decision)) ?? [];
      if (from !== at) broken.push(`${obp_id}: a record says ${from} → ${to}, the one before it ended at ${at}`);
      at = to ?? at;
    }
    if (at !== state) broken.push(`${obp_id} is ${state}, its records end at ${at}`);
  }
  return broken;
}

/** It runs when the last command is out, or when no more answers are waited for. */
const RUNNING = /^(the last command|the answer deadline|every device)/;

/** What an aggregator must have recorded of an order in each state, at the least. */
const LEAST: Record<string, readonly RegExp[]> = {
  QUOTED: [/quoted firmly/],
  INITIALISED: [/quoted firmly/, /^drawn up/],
  SCHEDULED: [/quoted firmly/, /^drawn up/, /^committed with/],
  IN_PROGRESS: [/quoted firmly/, /^drawn up/, /^committed with/, RUNNING],
  COMPLETED: [/quoted firmly/, /^drawn up/, /^committed with/, RUNNING, /^delivered/],
};

async function movesOf({ database }: World, id: string): Promise<string[]> {
  const orders = await database.rows<{ transaction_id: string; state: string; told: string[] | null }>(
    id,
    `select o.transaction_id, o.state, (select array_agg(a.record->>'decision' order by a.id) from audit_record a
       where a.record->>'transaction_id' = o.transaction_id and a.record->>'event_type' in ('order.changed', 'dispatch.closed')) as told
     from flex_order o`,
  );
  return orders.flatMap(({ transaction_id, state, told }) => {
    let at = -1;
    return (LEAST[state] ?? []).flatMap((wanted) => {
      const next = (told ?? []).findIndex((text, index) => index > at && wanted.test(text));
      if (next < 0) return [`${id}: an order of ${transaction_id} is ${state} without a record of ${wanted}`];
      at = next;
      return [];
    });
  });
}
