/** A DSO, an aggregator and a gateway as targets, each with a counterparty that is subscribed and may write to it. */
import type { KeyId } from '@flexder/protocol/beckn/identifiers.ts';
import {
  aggregator,
  dso,
  evil,
  type Party,
  requestOf,
  type Scenario,
  scenario,
} from '@flexder/protocol/beckn/inbound.fixture.ts';
import type { ParticipantKeys } from '@flexder/runtime/participant/types.ts';
import { DSO_ID, GATEWAY_ID } from '@flexder/sandbox/network/ids.ts';
import { expect } from 'chai';
import { catalogue, live } from './baseline.ts';
import { type Address, type Counterparty, openCounterparty } from './counterparty.ts';
import { TestNetwork } from './network.ts';
import { openTables } from './tables.ts';
import { dump, lastRecord, recordsAfter, type Tables, type Tap, tapOutbound } from './watch.ts';
import { sendWire, type WireAnswer, type WireRequest } from './wire.ts';

const MINUTE_MS = 60_000;

export interface Target extends Address {
  readonly type: 'BAP' | 'BPP' | 'BG';
  readonly db: Tables;
  /** Who writes to it. */
  readonly peer: Counterparty;
  /** A message of `peer` that is accepted as it stands and changes no order: a row changes one thing of it. */
  baseline(): Scenario;
}

export interface Arena {
  readonly net: TestNetwork;
  readonly tap: Tap;
  readonly bpp: Target;
  readonly bap: Target;
  readonly bg: Target;
  /** A subscribed BAP that is party to nothing. */
  readonly evil: Counterparty;
  open(id: string, type: 'BAP' | 'BPP', keys?: ParticipantKeys): Promise<Counterparty>;
  close(): Promise<void>;
}

export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly reason: string;
}

const keysOf = ({ keys }: Party): ParticipantKeys => ({ keyId: 'key-1' as KeyId, ...keys });

/** The parties of the pipeline's own rows, here with an address and a place in the registry. */
export async function openArena(): Promise<Arena> {
  const net = await TestNetwork.create({ ders: 6, bpps: 1 });
  const tap = tapOutbound(net);
  const opened: Counterparty[] = [];
  const open = async (id: string, type: 'BAP' | 'BPP', keys?: ParticipantKeys) => {
    const party = await openCounterparty(net, { id, type, keys });
    opened.push(party);
    return party;
  };
  const buyer = await open(dso.id, 'BAP', keysOf(dso));
  const rogue = await open(evil.id, 'BAP', keysOf(evil));
  const bapDb = await openTables.dso(net);
  const searchId = await search(net);
  const seller = await open(aggregator.id, 'BPP', keysOf(aggregator));
  const [one] = net.aggregators;
  const bppAddress = { id: one!.name, url: one!.becknUrl };
  const bapAddress = { id: DSO_ID, url: `${net.bap.url}/beckn` };
  const bpp: Target = {
    ...bppAddress,
    type: 'BPP',
    db: await openTables.aggregator(net, one!.name),
    peer: buyer,
    baseline: () => live(net, buyer, bppAddress, 'select', scenario('select').message.message),
  };
  const bap: Target = {
    ...bapAddress,
    type: 'BAP',
    db: bapDb,
    peer: seller,
    baseline: () => live(net, seller, bapAddress, 'on_search', catalogue(net), searchId),
  };
  const bgAddress = { id: GATEWAY_ID, url: net.gateway.url };
  const bg: Target = {
    ...bgAddress,
    type: 'BG',
    db: await openTables.gateway(net),
    peer: buyer,
    baseline: () => live(net, buyer, bgAddress, 'search', need()),
  };
  return {
    ...{ net, tap, bpp, bap, bg, evil: rogue, open },
    async close() {
      for (const party of opened) await party.close();
      await net.close();
    },
  };
}

/** A search as it is, but for the feeder: one nobody serves, named like what the rows of the pipeline change. */
const need = () => JSON.parse(JSON.stringify(scenario('search').message.message).replaceAll('LPN-041', 'agg-1'));

/** The feeder goes over its limit for a minute: the DSO has searched once, and bought what there was. */
async function search(net: TestNetwork): Promise<string> {
  for (let i = 0; i < 2; i++) await net.advance(MINUTE_MS);
  net.feeder.push();
  await net.advance(MINUTE_MS);
  net.feeder.relax();
  const db = await openTables.dso(net);
  const row = await db.selectFrom('flex_search').select('transaction_id').executeTakeFirstOrThrow();
  return row.transaction_id;
}

/** Puts the message on the wire, with whatever `wire` changes there. */
export function sendScenario(to: Address, of: Scenario, wire: Partial<WireRequest> = {}): Promise<WireAnswer> {
  const { action, headers, body } = requestOf(of);
  const lines = Object.entries(headers).flatMap(([name, values]) =>
    (values ?? []).map((value) => [name, value] as const),
  );
  return sendWire({ url: `${to.url}/${action}`, headers: lines, body, ...wire });
}

export function expectAck(answer: WireAnswer, what = 'the untouched message'): void {
  expect([answer.status, answer.body.message?.ack?.status], `${what}: ${answer.text}`).to.deep.equal([200, 'ACK']);
}

/** A line of a file, a frame of a stack: nothing of our insides is in an answer. */
const INSIDES = /node_modules|\.[tj]s:\d+|\n\s+at /;

export function expectNack(answer: WireAnswer, expected: Refusal): void {
  const { status, body, text, headers } = answer;
  expect({ status, code: body.error?.code, ack: body.message?.ack?.status }, text).to.deep.equal({
    status: expected.status,
    code: expected.code,
    ack: 'NACK',
  });
  expect(body.error?.message, 'says what to do').to.match(/.{20}/);
  expect(text).to.not.match(INSIDES);
  expect(headers.has('www-authenticate'), 'a 401 asks for a signature').to.equal(status === 401);
}

/**
 * The untouched message is accepted; the changed one is refused as expected, and apart from one record of that nothing
 * has happened: no table changed, no call left any service.
 */
export async function expectRefusal(
  { net, tap }: Arena,
  target: Target,
  expected: Refusal,
  attack: () => Promise<WireAnswer>,
): Promise<void> {
  expectAck(await sendScenario(target, target.baseline()));
  await expectNoEffect({ net, tap }, target, expected, attack);
}

/** The second half of `expectRefusal`, where the positive twin is another than the target's own. */
export async function expectNoEffect(
  { net, tap }: Pick<Arena, 'net' | 'tap'>,
  target: Pick<Target, 'db'>,
  expected: Refusal,
  attack: () => Promise<WireAnswer>,
): Promise<void> {
  await net.settle();
  const [before, mark, calls] = [await dump(target.db), await lastRecord(target.db), tap.calls.length];
  const answer = await attack();
  await net.settle();
  expectNack(answer, expected);
  const records = await recordsAfter(target.db, mark);
  // One, or one each time it had to be sent.
  expect(records.length, 'records').to.be.within(1, answer.attempts);
  for (const { event_type, code, decision } of records)
    expect([event_type, code, decision?.split(':')[0]]).to.deep.equal([
      'beckn.rejected',
      expected.code,
      expected.reason,
    ]);
  expect(await dump(target.db), 'no table changed').to.deep.equal(before);
  expect(tap.calls.slice(calls), 'no call left').to.deep.equal([]);
}
