/** What is in the body, and how it is framed: each row changes one thing of a message that is accepted without it. */
import { gzipSync } from 'node:zlib';
import type { Scenario } from '@flexder/protocol/beckn/inbound.fixture.ts';
import { INBOUND_LIMITS } from '@flexder/protocol/beckn/limits.ts';
import { expect } from 'chai';
import { expectAck, expectNack, sendScenario } from '../harness/arena.ts';
import { type AttackRow, attack, pipelineRows } from '../harness/rows.ts';
import { useArena } from '../harness/shared-arena.ts';
import { dump } from '../harness/watch.ts';

const badJson = { status: 400, code: 'SCH_INVALID_JSON', reason: 'json' };
const badFormat = (reason: string) => ({ status: 400, code: 'SCH_INVALID_FORMAT', reason });
const tooLarge = { status: 413, code: 'SCH_BODY_TOO_LARGE', reason: 'size' };

const text = (change: (text: string) => string) => (scenario: Scenario) => {
  scenario.serialise = (message) => {
    const honest = JSON.stringify(message);
    const changed = change(honest);
    if (changed === honest) throw new Error('the body is what it was');
    return Buffer.from(changed);
  };
};
const member = (json: string) => text((body) => body.replace('{"context"', `{${json},"context"`));
/** Blanks between the members: as JSON it stays what it was. */
const padded = (bytes: number) => text((body) => `${body.slice(0, -1)}${' '.repeat(bytes - body.length)}}`);
const zipped = (scenario: Scenario) => {
  scenario.serialise = (message) => gzipSync(JSON.stringify(message));
  scenario.tamper = ({ headers, ...rest }) => ({ ...rest, headers: { ...headers, 'content-encoding': ['gzip'] } });
};

const rows: readonly AttackRow[] = [
  {
    id: 'MSG-01',
    name: 'one byte over the limit',
    mutate: padded(INBOUND_LIMITS.maxBodyBytes + 1),
    expect: tooLarge,
  },
  {
    id: 'MSG-01',
    name: 'one byte over the limit, in chunks',
    mutate: padded(INBOUND_LIMITS.maxBodyBytes + 1),
    wire: () => ({ length: 'chunked' }),
    expect: tooLarge,
  },
  {
    id: 'MSG-01',
    name: 'chunks without end',
    wire: () => ({ length: 'chunked', endlessBytes: 64 * 1024 * 1024 }),
    expect: tooLarge,
  },
  {
    id: 'MSG-01',
    name: 'a Content-Length beyond the limit, and no body',
    wire: () => ({ length: 10_000_000_000 }),
    expect: tooLarge,
  },
  ...pipelineRows('MSG-02', []),
  {
    id: 'MSG-02',
    name: 'one level too deep',
    mutate: member(`"x":${'['.repeat(INBOUND_LIMITS.json.maxDepth)}${']'.repeat(INBOUND_LIMITS.json.maxDepth)}`),
    expect: badJson,
  },
  {
    id: 'MSG-02',
    name: '40,000 objects deep',
    mutate: member(`"x":${'{"x":'.repeat(40_000)}0${'}'.repeat(40_000)}`),
    expect: badJson,
  },
  ...pipelineRows('MSG-03', []),
  {
    id: 'MSG-03',
    name: 'the same key, once escaped',
    mutate: text((body) => body.replace('"bap_id"', '"bap_\\u0069d":"bap-other.example.com","bap_id"')),
    expect: badJson,
  },
  ...pipelineRows('MSG-05', []),
  {
    id: 'MSG-05',
    name: '__proto__, escaped, deep inside',
    mutate: text((body) => body.replace('"country":{', '"country":{"\\u005f_proto__":{"polluted":true},')),
    expect: badJson,
  },
  ...pipelineRows('MSG-06', ['right-to-left']),
  ...pipelineRows('MSG-06 right-to-left', [], ['BPP', 'BAP']),
  {
    id: 'MSG-06',
    name: 'right-to-left override in an id of the context',
    mutate: text((body) => body.replace('"transaction_id":"', '"transaction_id":"\u202e')),
    expect: badFormat('schema'),
  },
  {
    id: 'MSG-06',
    name: 'an overlong encoding',
    mutate: (scenario) => {
      scenario.serialise = (message) => {
        const raw = Buffer.from(JSON.stringify(message));
        return Buffer.concat([raw.subarray(0, 12), Buffer.from([0xc0, 0xaf]), raw.subarray(12)]);
      };
    },
    expect: badJson,
  },
  ...pipelineRows('MSG-08', []),
  {
    id: 'MSG-08',
    name: 'two documents in one body',
    mutate: text((body) => `${body}${body}`),
    expect: badJson,
  },
  ...pipelineRows('MSG-09', []),
  {
    id: 'MSG-09',
    name: 'really compressed',
    mutate: zipped,
    expect: { status: 415, code: 'SCH_UNSUPPORTED_MEDIA_TYPE', reason: 'encoding' },
  },
  ...pipelineRows('MSG-10', []),
  {
    id: 'MSG-10',
    name: 'a quantity that is no number',
    mutate: text((body) => body.replace('"50"', '"NaN"')),
    expect: badFormat('schema'),
  },
  ...['-5', '-0', '1e3', '0x10', ' 50', '50 ', '+50', 'Infinity', '5,0', '٥٠', '', '50.', '.5', '9'.repeat(16)].map(
    (value): AttackRow => ({
      id: 'MSG-10',
      name: `a quantity of ${JSON.stringify(value)}`,
      mutate: text((body) => body.replace('"50"', JSON.stringify(value))),
      expect: badFormat('schema'),
    }),
  ),
  ...['null', 'true', '[50]', '{"value":"50"}'].map(
    (json): AttackRow => ({
      id: 'MSG-10',
      name: `a quantity of ${json}`,
      mutate: text((body) => body.replace('"50"', json)),
      expect: badFormat('schema'),
    }),
  ),
  {
    id: 'MSG-10',
    name: 'a negative price',
    at: ['BAP'],
    mutate: text((body) => body.replace('"0.05"', '"-0.05"')),
    expect: badFormat('schema'),
  },
  {
    id: 'MSG-10',
    name: 'a whole number that loses digits',
    mutate: member('"x":9007199254740993'),
    expect: badFormat('number'),
  },
  ...[
    'javascript:alert(1)',
    'file:///etc/passwd',
    'data:text/html,x',
    'http://user:pw@127.0.0.1/',
    'http://',
    '//x.example',
  ].map(
    (url): AttackRow => ({
      id: 'MSG-12',
      name: `${url} for the address of the other side`,
      at: ['BAP', 'BPP'],
      mutate: ({ message }, target) => {
        message.context[target.type === 'BAP' ? 'bap_uri' : 'bpp_uri'] = url;
      },
      expect: badFormat('schema'),
    }),
  ),
  {
    id: 'MSG-14',
    name: '100,000 elements',
    mutate: member(`"x":[${'0,'.repeat(99_999)}0]`),
    expect: badJson,
  },
  {
    id: 'MSG-14',
    name: '20,000 members',
    mutate: member(`"x":{${Array.from({ length: 20_000 }, (_, i) => `"k${i}":0`).join(',')}}`),
    expect: badJson,
  },
  {
    id: 'MSG-14',
    name: '200,000 elements, more than a body holds',
    mutate: member(`"x":[${'0,'.repeat(199_999)}0]`),
    expect: tooLarge,
  },
  {
    id: 'MSG-14',
    name: 'members nobody knows',
    mutate: member(Array.from({ length: 100 }, (_, i) => `"k${i}":0`).join(',')),
    expect: badFormat('schema'),
  },
  {
    id: 'MSG-14',
    name: 'a text of 200,000 characters',
    mutate: member(`"x":"${'x'.repeat(200_000)}"`),
    expect: badJson,
  },
  {
    id: 'MSG-10',
    name: 'more digits than a number holds',
    mutate: text((body) => body.replace('"50"', '12345678901234567890')),
    expect: badFormat('number'),
  },
  {
    id: 'TXN-07',
    name: 'its time to live is over',
    mutate: (scenario) => {
      scenario.message.context.timestamp = new Date(scenario.nowMs - 31_000).toISOString();
    },
    expect: { status: 400, code: 'CTX_STALE', reason: 'ttl' },
  },
  {
    id: 'TXN-07',
    name: 'from the future',
    mutate: (scenario) => {
      scenario.message.context.timestamp = new Date(scenario.nowMs + 60_000).toISOString();
    },
    expect: { status: 400, code: 'CTX_STALE', reason: 'timestamp' },
  },
  ...pipelineRows('order: bad signature', []),
  ...pipelineRows('order: no signature', []),
];

describe('adversarial: bodies', () => {
  const arena = useArena();

  attack(arena, rows);

  for (const type of ['bpp', 'bap', 'bg'] as const) {
    const at = `at the ${type.toUpperCase()}`;

    it(`MSG-01 a body of just the limit, ${at}: accepted`, async () => {
      const largest = arena()[type].baseline();
      padded(INBOUND_LIMITS.maxBodyBytes)(largest);
      expectAck(await sendScenario(arena()[type], largest));
      const chunked = arena()[type].baseline();
      expectAck(await sendScenario(arena()[type], chunked, { length: 'chunked' }), 'the same in chunks');
    });

    it(`MSG-01 chunks without end, ${at}: the door closes soon after the limit`, async () => {
      const answer = await sendScenario(arena()[type], arena()[type].baseline(), {
        length: 'chunked',
        endlessBytes: 64 * 1024 * 1024,
      });
      expectNack(answer, tooLarge);
      // What kernel and sockets hold besides.
      expect(answer.sentBytes).to.be.below(16 * 1024 * 1024);
    });

    it(`MSG-01 more body than its Content-Length says, ${at}: refused, and nothing of the rest is read as a request`, async () => {
      const { net, tap } = arena();
      const target = arena()[type];
      await net.settle();
      const [before, calls] = [await dump(target.db), tap.calls.length];
      const smuggled = target.baseline();
      const answer = await sendScenario(target, smuggled, { length: 100 });
      await net.settle();
      // The parser may give the connection up before the signature is refused.
      expect(answer.status).to.be.oneOf([400, 401]);
      expect(answer.text).to.not.contain('"ACK"');
      expect(await dump(target.db)).to.deep.equal(before);
      expect(tap.calls.slice(calls)).to.deep.equal([]);
      expectAck(await sendScenario(target, smuggled), 'the same with its true length');
    });

    it(`MSG-01 a sender that stops half-way, ${at}: refused, and the next one is served`, async () => {
      const answer = await sendScenario(arena()[type], arena()[type].baseline(), { length: 100_000, halfClose: true });
      expect(answer.status).to.equal(400);
      expectAck(await sendScenario(arena()[type], arena()[type].baseline()));
    });
  }

  it('MSG-05 nothing was polluted', () => expect(({} as Record<string, unknown>).polluted).to.equal(undefined));
});
