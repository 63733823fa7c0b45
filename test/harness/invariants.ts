/**
 * What must hold after any fault, judged from outside: plain SQL on the services' tables, what was heard on the device
 * bus, what a buyer was told. None of it runs code of the services. Each check returns its violations in words.
 */
import { readFileSync } from 'node:fs';
import { activations, type DeviceJournal } from './device-journal.ts';
import type { Running } from './processes.ts';
import type { Errand, Shopper } from './shopper.ts';

type Row = Record<string, unknown>;
/** Statements on the tables of one subscriber, which are named without a schema. */
export type Query = (sql: string) => Promise<Row[]>;

/** I1: no device is given two commands of one order, and none starts one twice. */
export function onlyOnce(journal: DeviceJournal): string[] {
  const commanded = [...activations(journal)].flatMap(([key, ids]) =>
    ids.size === 1 ? [] : [`I1 ${key}: ${ids.size} different commands`],
  );
  const starts = new Map<string, Set<string>>();
  for (const { command_id, result, ts } of journal.answers)
    if (result === 'STARTED') starts.set(command_id, (starts.get(command_id) ?? new Set()).add(ts));
  const started = [...starts].flatMap(([id, at]) =>
    at.size === 1 ? [] : [`I1 command ${id}: started ${at.size} times`],
  );
  return [...commanded, ...started];
}

/** I2: nothing that was acknowledged or is owed is still open; what failed has said so. */
export async function allSettled(name: string, query: Query): Promise<string[]> {
  const open = await query(`select action, message_id, received_at from inbound_message where state = 'stored'`);
  const owed = await query(`select id, kind, created from outbox where done_at is null and failed_at is null`);
  const mute = await query(`select action, message_id from inbound_message m where state = 'failed' and not exists (
    select from audit_record a where a.record->>'event_type' = 'beckn.failed' and a.record->>'message_id' = m.message_id)`);
  return [
    ...open.map((row) => `I2 ${name}: ${row.action} ${row.message_id} is acknowledged and not handled`),
    ...owed.map((row) => `I2 ${name}: ${row.kind} ${row.id} of ${row.created} is neither delivered nor given up`),
    ...mute.map((row) => `I2 ${name}: ${row.action} ${row.message_id} failed without a record`),
  ];
}

/** Transactions of which a service has recorded that an answer could not be delivered in its time. */
export async function givenUp(query: Query): Promise<Set<string>> {
  const rows = await query(`select distinct record->>'transaction_id' as id from audit_record
    where record->>'event_type' in ('beckn.undelivered', 'beckn.failed')`);
  return new Set(rows.map(({ id }) => String(id)));
}

/** I2 as the buyer sees it: every request that was acknowledged has one answer, but where its giver recorded why not. */
export function allAnswered(
  shopper: Shopper,
  errands: readonly Errand[],
  excused: ReadonlySet<string> = new Set(),
): string[] {
  return errands.flatMap((of) =>
    of.asked.flatMap((asked) => {
      if (excused.has(of.transactionId)) return [];
      const answers = shopper.answersTo(of, asked);
      const different = new Set(answers.map((body) => JSON.stringify(body))).size;
      if (different > 1) return [`I2 ${asked.verb} ${asked.messageId}: ${different} different answers`];
      return asked.acked && different === 0
        ? [`I2 ${asked.verb} ${asked.messageId}: acknowledged, never answered`]
        : [];
    }),
  );
}

/** I3: nothing that arrives after its time is accepted by a device. */
export function nothingLate({ commands, answers }: DeviceJournal): string[] {
  const limits = new Map(
    commands
      .filter(({ type }) => type !== 'RELEASE')
      .map((one) => [one.command_id, Math.min(Date.parse(one.valid_until), Date.parse(one.stop_at))]),
  );
  // A device repeats its answer to a command that is repeated, however late.
  const first = new Map<string, (typeof answers)[number]>();
  for (const one of answers) if (!first.has(one.command_id)) first.set(one.command_id, one);
  return [...first.values()].flatMap(({ command_id, result, ts, der_id }) => {
    const limitMs = limits.get(command_id);
    const late = limitMs !== undefined && result === 'ACCEPTED' && Date.parse(ts) > limitMs;
    return late ? [`I3 ${der_id}: accepted ${command_id} ${Date.parse(ts) - limitMs} ms after its end`] : [];
  });
}

/** How far from a deaf moment of the journal an answer may be missing in it. */
const DEAF_MARGIN_MS = 5_000;

/** I4: what an aggregator counts as accepted is what devices said, and no more is promised than their ratings. */
export async function countsAreTrue(name: string, query: Query, { answers, deaf }: DeviceJournal): Promise<string[]> {
  const said = new Set(answers.filter(({ result }) => result === 'ACCEPTED').map(({ command_id }) => command_id));
  const claimed = await query(`select command_id, der_id, answered_at from command where answer = 'ACCEPTED'`);
  const wasDeaf = (atMs: number) =>
    deaf.some(({ fromMs, toMs }) => atMs > fromMs - DEAF_MARGIN_MS && atMs < toMs + DEAF_MARGIN_MS);
  const invented = claimed.filter(
    (row) => !said.has(String(row.command_id)) && !wasDeaf(new Date(row.answered_at as string).getTime()),
  );
  const above = await query(`select o.order_no, o.committed_kw, sum(d.rated_kw) as rated from flex_order o
    join reservation r using (order_no) join der d using (der_no) where o.state in ('SCHEDULED', 'IN_PROGRESS', 'COMPLETED')
    group by o.order_no, o.committed_kw having o.committed_kw > 2 * sum(d.rated_kw)`);
  const doubled = await query(`select a.der_no, a.order_no, b.order_no as other from reservation a
    join reservation b on a.der_no = b.der_no and a.order_no < b.order_no and a.active and b.active
    join flex_order oa on oa.order_no = a.order_no join flex_order ob on ob.order_no = b.order_no
    where oa.window_start_at < ob.window_end_at and ob.window_start_at < oa.window_end_at`);
  return [
    ...invented.map((row) => `I4 ${name}: counts ${row.command_id} as accepted, ${row.der_id} never said so`),
    ...above.map((row) => `I4 ${name}: order ${row.order_no} promises ${row.committed_kw} of ${row.rated} kW`),
    ...doubled.map((row) => `I4 ${name}: device ${row.der_no} is in orders ${row.order_no} and ${row.other} at once`),
  ];
}

/** I5: one record a transition, in order, in one chain without a gap. */
export async function recordsInOrder(name: string, query: Query): Promise<string[]> {
  const broken = await query(`select id, seq from (
      select id, seq, prev_hash, lag(hash) over (order by seq) as before, row_number() over (order by seq) as place
      from audit_record where seq is not null) r
    where seq <> place + (select min(seq) from audit_record) - 1 or (before is not null and before <> prev_hash)`);
  const unsealed = await query('select id from audit_record where seq is null');
  return [
    ...broken.map((row) => `I5 ${name}: record ${row.id} does not follow the one before`),
    ...unsealed.map((row) => `I5 ${name}: record ${row.id} is not sealed`),
  ];
}

/** I5 of an aggregator's orders: quoted, confirmed and dispatched once each, in this order. */
export async function ordersInOrder(name: string, query: Query): Promise<string[]> {
  const rows = await query(`with told as (
      select record->>'transaction_id' as transaction_id,
        array_agg(id order by id) filter (where record->>'decision' like 'committed with%') as committed,
        array_agg(id order by id) filter (where record->>'decision' like '%quoted firmly%') as quoted,
        array_agg(id order by id) filter (where record->>'event_type' = 'dispatch.closed') as closed,
        array_agg(id order by id) filter (where record->>'beckn_action' = 'on_confirm'
          and record->>'event_type' = 'beckn.sent' and record->>'code' is null) as answered
      from audit_record group by 1)
    select o.transaction_id, o.state, o.answers_closed, t.committed, t.quoted, t.closed, t.answered
    from flex_order o left join told t using (transaction_id)
    where o.state in ('SCHEDULED', 'IN_PROGRESS', 'COMPLETED')`);
  return rows.flatMap((row) => {
    const of = (what: string) => ((row[what] as unknown[] | null) ?? []).map(Number);
    const [quoted, committed, answered, closed] = ['quoted', 'committed', 'answered', 'closed'].map(of) as number[][];
    const wrong = (why: string) => [`I5 ${name}: ${row.transaction_id} (${row.state}) ${why}`];
    if (committed!.length !== 1) return wrong(`was committed ${committed!.length} times`);
    if (answered!.length !== 1) return wrong(`has ${answered!.length} records of on_confirm`);
    if (row.answers_closed && closed!.length !== 1) return wrong(`was closed ${closed!.length} times`);
    if (!quoted!.some((id) => id < committed![0]!)) return wrong('was committed before it was quoted');
    return closed!.length === 1 && closed![0]! < committed![0]! ? wrong('was closed before it was committed') : [];
  });
}

/** Resident memory no process of so small a network needs. */
const RSS_MOST_KB = 1_048_576;

/** I6: what should live lives, within bounds, and nobody ended by an error that nobody caught. */
export function allAlive(running: readonly Running[], logs: string): string[] {
  const dead = running.filter(({ child }) => child.exitCode !== null || child.signalCode !== null);
  const large = running.flatMap(({ name, child }) => {
    const kb = rssKb(child.pid);
    return kb > RSS_MOST_KB ? [`I6 ${name}: ${Math.round(kb / 1024)} MB`] : [];
  });
  const uncaught = /unhandled ?rejection|uncaught ?exception|\n\s+at .*\n\s+at /i.exec(logs);
  return [
    ...dead.map(({ name, child }) => `I6 ${name}: ended with ${child.exitCode ?? child.signalCode}`),
    ...large,
    ...(uncaught ? [`I6 in a log: ${logs.slice(Math.max(0, uncaught.index - 300), uncaught.index + 300)}`] : []),
  ];
}

function rssKb(pid: number | undefined): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

const BOUND = ['SCHEDULED', 'IN_PROGRESS', 'COMPLETED'];

/** I7: an aggregator holds itself bound to exactly the orders that this buyer heard confirmed. */
export async function sidesAgree(name: string, query: Query, errands: readonly Errand[]): Promise<string[]> {
  const rows = await query('select transaction_id, order_id, state from flex_order');
  const theirs = new Map(rows.map((row) => [row.transaction_id, row]));
  return errands.flatMap((of) => {
    const row = theirs.get(of.transactionId);
    const state = String(row?.state ?? 'none');
    const fits = {
      confirmed: BOUND.includes(state) && row?.order_id === of.orderId,
      cancelled: state === 'CANCELLED',
      refused: !BOUND.includes(state),
      // Never acknowledged: it may have been stored all the same; the answer then came, and was heard.
      'not-acked': true,
      // What it could not tell it does not hold to.
      unanswered: !BOUND.includes(state),
      quoted: !BOUND.includes(state),
      initialised: !BOUND.includes(state),
      new: true,
    }[of.state];
    return fits ? [] : [`I7 ${name}: ${of.transactionId} is ${state} there, ${of.state} ${of.refusal ?? ''} here`];
  });
}

/** I7 between two services: the orders of a DSO with an aggregator, and that aggregator's. */
export async function servicesAgree(dso: Query, aggregatorId: string, aggregator: Query): Promise<string[]> {
  const bap = await dso(`select transaction_id, state from flex_order where bpp_id = '${aggregatorId}'`);
  const bpp = new Map(
    (await aggregator('select transaction_id, state from flex_order')).map((row) => [row.transaction_id, row.state]),
  );
  return bap.flatMap(({ transaction_id, state }) => {
    const other = bpp.get(transaction_id);
    const both = BOUND.includes(String(state)) === BOUND.includes(String(other));
    return both ? [] : [`I7 ${transaction_id}: ${state} at the DSO, ${other} at ${aggregatorId}`];
  });
}

/** I8: none of these stands in a log. */
export function noSecretIn(logs: string, secrets: readonly string[]): string[] {
  return secrets.filter((secret) => logs.includes(secret)).map((secret) => `I8 a log holds ${secret.slice(0, 4)}…`);
}
