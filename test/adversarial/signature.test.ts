/** Who signed what, and when: each row changes one thing of a message that is accepted without it. */
import { requestOf, type Scenario } from '@flexder/protocol/beckn/inbound.fixture.ts';
import { expect } from 'chai';
import { expectAck, sendScenario } from '../harness/arena.ts';
import { type AttackRow, attack, pipelineRows } from '../harness/rows.ts';
import { useArena } from '../harness/shared-arena.ts';
import { dump, lastRecord, recordsAfter } from '../harness/watch.ts';
import { sendWire } from '../harness/wire.ts';

const invalid = (reason: string) => ({ status: 401, code: 'AUT_SIGNATURE_INVALID', reason });

/** Changes the Authorization after signing; fails when there is nothing to change. */
const authorization = (from: string | RegExp, to: string | ((found: string) => string)) => (scenario: Scenario) => {
  scenario.tamper = (request) => {
    const [value = ''] = request.headers.authorization ?? [];
    const changed = value.replace(from, to as string);
    if (changed === value) throw new Error(`${from} is not in ${value}`);
    return { ...request, headers: { ...request.headers, authorization: [changed] } };
  };
};
const rewrite = (change: (text: string) => string) => (scenario: Scenario) => {
  scenario.tamper = (request) => {
    const text = Buffer.from(request.body!).toString('utf8');
    const changed = change(text);
    if (changed === text) throw new Error('the body is what it was');
    return { ...request, body: Buffer.from(changed) };
  };
};
const withoutDigest = (change: (scenario: Scenario) => void) => (scenario: Scenario) => {
  scenario.sendDigest = false;
  change(scenario);
};
const times = (created: number, expires: number) => (scenario: Scenario) => {
  const nowS = scenario.createdS;
  scenario.createdS = nowS + created;
  scenario.expiresS = nowS + expires;
};

/** L of RFC 8032 §5.1, little-endian: S and S + L are the same to a verifier that does not look. */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
function addOrder(signature: string): string {
  const raw = Buffer.from(signature, 'base64');
  let s = BigInt(`0x${Buffer.from(raw.subarray(32)).reverse().toString('hex')}`) + ORDER;
  for (let i = 32; i < 64; i++, s >>= 8n) raw[i] = Number(s & 255n);
  return raw.toString('base64');
}

const reordered = (text: string) => {
  const { context, message } = JSON.parse(text) as Record<string, unknown>;
  return JSON.stringify({ message, context });
};

/** What stands for the same to a JSON reader, but not to who signed the bytes. */
const rewritings: readonly (readonly [string, (text: string) => string])[] = [
  ['members in another order', reordered],
  ['a slash escaped', (text) => text.replace('http://', 'http:\\/\\/')],
  ['a letter escaped', (text) => text.replace('"action"', '"\\u0061ction"')],
  ['a newline at the end', (text) => `${text}\n`],
];

const rows: readonly AttackRow[] = [
  ...pipelineRows('SIG-01', []),
  ...pipelineRows('SIG-02', []),
  ...pipelineRows('SIG-03', ['slash']),
  ...rewritings.flatMap(([name, change]): AttackRow[] => [
    { id: 'SIG-03', name, mutate: rewrite(change), expect: invalid('digest') },
    { id: 'SIG-03', name: `${name}, no Digest`, mutate: withoutDigest(rewrite(change)), expect: invalid('signature') },
  ]),
  { id: 'SIG-04', name: 'expires one second ago', mutate: times(-30, -1), expect: invalid('expired') },
  { id: 'SIG-04', name: 'expires long ago', mutate: times(-86_400, -86_300), expect: invalid('expired') },
  { id: 'SIG-05', name: 'created beyond the skew', mutate: times(8, 38), expect: invalid('created') },
  { id: 'SIG-05', name: 'created longer ago than a lifetime', mutate: times(-301, 30), expect: invalid('created') },
  ...pipelineRows('SIG-06', []),
  { id: 'SIG-06', name: 'one second beyond the cap', mutate: times(0, 301), expect: invalid('lifetime') },
  {
    id: 'SIG-07',
    name: 'created edited',
    mutate: authorization(/created="(\d+)"/, (found) => found.replace(/\d+/, (s) => String(Number(s) - 1))),
    expect: invalid('signature'),
  },
  {
    id: 'SIG-07',
    name: 'expires edited',
    mutate: authorization(/expires="(\d+)"/, (found) => found.replace(/\d+/, (s) => String(Number(s) + 1))),
    expect: invalid('signature'),
  },
  ...pipelineRows('SIG-10', ['posted to no action', 'a callback']),
  ...pipelineRows('SIG-10 a callback', [], ['BPP', 'BG']),
  {
    id: 'SIG-10',
    name: 'a request sent to a BAP',
    at: ['BAP'],
    mutate: (scenario) => {
      scenario.path = 'select';
      scenario.message.context.action = 'select';
    },
    expect: { status: 400, code: '40001', reason: 'action' },
  },
  {
    id: 'SIG-10',
    name: 'an answer sent to a gateway, which passes searches on and nothing else',
    at: ['BG'],
    mutate: (scenario) => {
      scenario.path = 'on_search';
      scenario.message.context.action = 'on_search';
    },
    expect: { status: 400, code: '40001', reason: 'action' },
  },
  ...pipelineRows('SIG-11 meant for another BPP', [], ['BPP']),
  ...pipelineRows('SIG-11 an answer', [], ['BAP']),
  ...pipelineRows('SIG-12 signed', [], ['BPP', 'BG']),
  ...pipelineRows('SIG-12 an answer', [], ['BAP']),
  ...pipelineRows('SIG-13', []),
  {
    id: 'SIG-13',
    name: 'created twice',
    mutate: authorization('created=', 'created="1",created='),
    expect: invalid('header'),
  },
  ...pipelineRows('SIG-14', []),
  ...pipelineRows('SIG-15', []),
  ...pipelineRows('SIG-16', []),
  ...pipelineRows('SIG-18', []),
  {
    id: 'SIG-18',
    name: 'S + L',
    mutate: authorization(/signature="[^"]*"/, (found) => `signature="${addOrder(found.slice(11, -1))}"`),
    expect: invalid('signature'),
  },
];

describe('adversarial: signatures', () => {
  const arena = useArena();

  attack(arena, rows);

  for (const type of ['bpp', 'bap', 'bg'] as const) {
    it(`SIG-09 the same bytes again, at the ${type.toUpperCase()}: the same ACK and no second effect`, async () => {
      const { net, tap } = arena();
      const target = arena()[type];
      const scenario = target.baseline();
      const first = await sendScenario(target, scenario);
      expectAck(first);
      await net.settle();
      const [before, mark, calls] = [await dump(target.db), await lastRecord(target.db), tap.calls.length];
      const replayed = await replays(target.url);
      for (let i = 0; i < 3; i++) expect((await sendScenario(target, scenario)).text).to.equal(first.text);
      await net.settle();
      expect(await replays(target.url)).to.equal(replayed === undefined ? undefined : replayed + 3);
      expect(await recordsAfter(target.db, mark)).to.deep.equal([]);
      expect(await dump(target.db)).to.deep.equal(before);
      expect(tap.calls.slice(calls)).to.deep.equal([]);
    });

    it(`SIG-10 posted to what is no action, at the ${type.toUpperCase()}: 404`, async () => {
      const target = arena()[type];
      expectAck(await sendScenario(target, target.baseline()));
      for (const path of ['toString', '__proto__', 'Select', 'select/x']) {
        const { headers, body } = requestOf(target.baseline());
        const lines = Object.entries(headers).map(([name, values]) => [name, values![0]!] as const);
        const answer = await sendWire({ url: `${target.url}/${path}`, headers: lines, body });
        expect([answer.status, answer.body.error?.code]).to.deep.equal([404, 'SCH_INVALID_FORMAT']);
      }
    });
  }
});

/** What the target counts as repeated. */
async function replays(becknUrl: string): Promise<number | undefined> {
  const response = await fetch(`${new URL(becknUrl).origin}/metrics`);
  // A gateway shows its metrics at another port than its door.
  if (!response.ok) return undefined;
  const text = await response.text();
  const lines = text.match(/^flexder_replayed\{.*\} \d+$/gm) ?? [];
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}
