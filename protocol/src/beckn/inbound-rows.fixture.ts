/** Adversarial cases of the pipeline: each is one change to a message that is accepted without it. */
import { aggregator, dso, evil, NOW, registered, type Scenario } from './inbound.fixture.ts';
import type { InboundReason, InboundRequest } from './inbound.ts';
import { lowOrderEncodings } from './public-key.ts';

export interface Row {
  readonly name: string;
  readonly from?: 'select' | 'search' | 'on_select';
  readonly change: (scenario: Scenario) => void;
  readonly expect: { readonly status: number; readonly code: string; readonly reason: InboundReason };
}

const NOW_S = NOW / 1000;
const KEY = `${dso.id}|key-1`;

const invalid = (reason: InboundReason) => ({ status: 401, code: 'AUT_SIGNATURE_INVALID', reason });
const unauthorised = (reason: InboundReason) => ({ status: 401, code: 'AUT_UNAUTHORIZED_ACTION', reason });
const revoked = (reason: InboundReason) => ({ status: 401, code: 'AUT_KEY_EXPIRED_OR_REVOKED', reason });
const media = (reason: InboundReason) => ({ status: 415, code: 'SCH_UNSUPPORTED_MEDIA_TYPE', reason });
const badJson = { status: 400, code: 'SCH_INVALID_JSON', reason: 'json' } as const;

const tamper = (change: (request: InboundRequest) => Partial<InboundRequest>) => (scenario: Scenario) => {
  scenario.tamper = (request) => ({ ...request, ...change(request) });
};
const headers = (change: Record<string, readonly string[] | undefined>) =>
  tamper((request) => ({ headers: { ...request.headers, ...change } }));
const authorization = (from: string | RegExp, to: string, name = 'authorization') =>
  tamper(({ headers: all }) => ({ headers: { ...all, [name]: [all[name]![0]!.replace(from, to)] } }));
const bytes = (change: (body: Buffer) => Uint8Array) => tamper(({ body }) => ({ body: change(Buffer.from(body!)) }));
const key = (change: Partial<ReturnType<typeof registered>>) => (scenario: Scenario) => {
  scenario.registry.set(KEY, { ...registered(dso), ...change });
};
const text = (change: (text: string) => string) => (scenario: Scenario) => {
  scenario.serialise = (message) => Buffer.from(change(JSON.stringify(message)));
};
const context = (change: Record<string, unknown>) => (scenario: Scenario) => {
  Object.assign(scenario.message.context, change);
};
const flip = bytes((body) => body.fill(body[40]! ^ 1, 40, 41));
const signature = (length: number) =>
  authorization(/signature="[^"]*"/, `signature="${Buffer.alloc(length, 7).toString('base64')}"`);
const algorithm = (name: string) => authorization('algorithm="ed25519"', `algorithm="${name}"`);
const both =
  (...changes: ((scenario: Scenario) => void)[]) =>
  (scenario: Scenario) => {
    for (const change of changes) change(scenario);
  };

const signatureRows: Row[] = [
  {
    name: 'SIG-01 no Authorization',
    change: headers({ authorization: undefined }),
    expect: { status: 401, code: 'AUT_SIGNATURE_MISSING', reason: 'missing' },
  },
  { name: 'SIG-02 one byte changed, Digest sent', change: flip, expect: invalid('digest') },
  {
    name: 'SIG-02 one byte changed, no Digest',
    change: both((s) => {
      s.sendDigest = false;
    }, flip),
    expect: invalid('signature'),
  },
  {
    name: 'SIG-03 spaces added',
    change: bytes((body) => Buffer.from(JSON.stringify(JSON.parse(String(body)), null, 1))),
    expect: invalid('digest'),
  },
  {
    name: 'SIG-03 slash escaped',
    change: bytes((body) => Buffer.from(String(body).replace('https://', 'https:\\/\\/'))),
    expect: invalid('digest'),
  },
  {
    name: 'SIG-04 expires one second ago',
    change: (s) => {
      s.nowMs = (s.expiresS + 1) * 1000;
    },
    expect: invalid('expired'),
  },
  {
    name: 'SIG-04 expires long ago',
    change: (s) => {
      s.nowMs = (s.expiresS + 86_400) * 1000;
    },
    expect: invalid('expired'),
  },
  {
    name: 'SIG-05 created beyond the skew',
    change: (s) => {
      s.nowMs = (s.createdS - 6) * 1000;
    },
    expect: invalid('created'),
  },
  {
    name: 'SIG-05 created longer ago than a lifetime',
    change: (s) => {
      s.createdS -= 301;
    },
    expect: invalid('created'),
  },
  {
    name: 'SIG-06 ten years',
    change: (s) => {
      s.expiresS = s.createdS + 315_360_000;
    },
    expect: invalid('lifetime'),
  },
  {
    name: 'SIG-07 created edited',
    change: authorization(`created="${NOW_S}"`, `created="${NOW_S - 1}"`),
    expect: invalid('signature'),
  },
  {
    name: 'SIG-07 expires edited',
    change: authorization(`expires="${NOW_S + 30}"`, `expires="${NOW_S + 31}"`),
    expect: invalid('signature'),
  },
  {
    name: 'SIG-10 posted to another action',
    change: (s) => {
      s.path = 'confirm';
    },
    expect: { status: 400, code: 'CTX_ACTION_MISMATCH', reason: 'action' },
  },
  {
    name: 'SIG-10 posted to no action',
    change: (s) => {
      s.path = 'toString';
    },
    expect: { status: 400, code: 'CTX_ACTION_MISMATCH', reason: 'action' },
  },
  {
    name: 'SIG-10 a callback sent to a BPP',
    change: both(
      (s) => {
        s.path = 'on_select';
      },
      context({ action: 'on_select' }),
    ),
    expect: { status: 400, code: '40001', reason: 'action' },
  },
  {
    name: 'SIG-11 meant for another BPP',
    change: context({ bpp_id: 'bpp-other.example.com' }),
    expect: unauthorised('recipient'),
  },
  {
    name: 'SIG-11 an answer meant for another BAP',
    from: 'on_select',
    change: context({ bap_id: 'bap-other.example.com' }),
    expect: unauthorised('recipient'),
  },
  {
    name: 'SIG-12 signed by another subscriber',
    change: (s) => {
      s.signer = evil;
    },
    expect: unauthorised('signer'),
  },
  {
    name: 'SIG-12 an answer signed by the asker',
    from: 'on_select',
    change: (s) => {
      s.signer = evil;
    },
    expect: unauthorised('signer'),
  },
  {
    name: 'SIG-13 keyId twice',
    change: authorization('algorithm=', 'keyId="x|y|ed25519",algorithm='),
    expect: invalid('header'),
  },
  {
    name: 'SIG-13 signature twice',
    change: authorization('signature=', 'signature="AAAA",signature='),
    expect: invalid('header'),
  },
  {
    name: 'SIG-14 two Authorization headers',
    change: tamper(({ headers: all }) => ({
      headers: { ...all, authorization: [...all.authorization!, ...all.authorization!] },
    })),
    expect: invalid('header'),
  },
  {
    name: 'SIG-14 two headers joined',
    change: tamper(({ headers: all }) => ({
      headers: { ...all, authorization: [`${all.authorization}, ${all.authorization}`] },
    })),
    expect: invalid('header'),
  },
  ...['none', 'hmac-sha256', 'rsa-sha256', 'constructor', 'Ed25519'].map(
    (name): Row => ({ name: `SIG-15 algorithm ${name}`, change: algorithm(name), expect: invalid('algorithm') }),
  ),
  { name: 'SIG-15 keyId disagrees', change: authorization('|ed25519"', '|none"'), expect: invalid('algorithm') },
  {
    name: 'SIG-16 less covered',
    change: authorization('"(created) (expires) digest"', '"(created)"'),
    expect: invalid('coverage'),
  },
  { name: 'SIG-16 more covered', change: authorization(' digest"', ' digest host"'), expect: invalid('coverage') },
  {
    name: 'SIG-16 other order',
    change: authorization('(created) (expires)', '(expires) (created)'),
    expect: invalid('coverage'),
  },
  ...[0, 63, 65].map(
    (length): Row => ({
      name: `SIG-18 signature of ${length} bytes`,
      change: signature(length),
      expect: invalid('signature'),
    }),
  ),
  ...lowOrderEncodings().map(
    (raw, index): Row => ({
      name: `SIG-19 low-order key ${index + 1}`,
      change: key({ publicKey: Buffer.from(raw).toString('base64') }),
      expect: invalid('key'),
    }),
  ),
  {
    name: 'SIG-21 unknown key id',
    change: (s) => {
      s.keyId = 'key-9';
    },
    expect: { status: 401, code: 'AUT_KEY_NOT_FOUND', reason: 'key-unknown' },
  },
  {
    name: 'SIG-21 unknown subscriber',
    change: authorization(dso.id, 'nobody.example.com'),
    expect: { status: 401, code: 'AUT_SUBSCRIBER_NOT_FOUND', reason: 'subscriber-unknown' },
  },
  {
    name: 'SIG-21 the key of another subscriber',
    change: authorization(dso.id, evil.id),
    expect: invalid('signature'),
  },
  { name: 'SIG-22 revoked', change: key({ status: 'UNSUBSCRIBED' }), expect: revoked('key-status') },
  { name: 'SIG-22 expired', change: key({ validUntilMs: NOW }), expect: revoked('key-validity') },
  { name: 'SIG-22 not yet valid', change: key({ validFromMs: NOW + 1000 }), expect: revoked('key-validity') },
  {
    name: 'SIG-22 replaced at the registry',
    change: (s) => {
      s.cached.set(KEY, registered(dso));
      s.registry.set(KEY, registered({ ...dso, keys: evil.keys }));
      s.signer = { ...dso, keys: aggregator.keys };
    },
    expect: invalid('signature'),
  },
  {
    name: 'SIG-23 too many unknown keys',
    change: (s) => {
      s.registry.set(KEY, { limited: true });
    },
    expect: { status: 429, code: 'AUT_RATE_LIMITED', reason: 'rate' },
  },
  {
    name: 'REG-04 registry away',
    change: (s) => {
      s.registry.set(KEY, { unavailable: true });
    },
    expect: { status: 503, code: 'NET_DOWNSTREAM_UNAVAILABLE', reason: 'registry' },
  },
  {
    name: 'NET-04 another callback address',
    change: context({ bap_uri: 'https://evil.example.com/beckn' }),
    expect: { status: 400, code: 'CTX_COUNTERPARTY_URL', reason: 'counterparty-url' },
  },
];

const gatewayRows: Row[] = [
  {
    name: 'gateway: signature edited',
    from: 'search',
    change: authorization(`created="${NOW_S}"`, `created="${NOW_S - 1}"`, 'x-gateway-authorization'),
    expect: invalid('signature'),
  },
  {
    name: 'gateway: twice',
    from: 'search',
    change: tamper(({ headers: all }) => ({ headers: { ...all, 'x-gateway-authorization': ['a', 'b'] } })),
    expect: invalid('header'),
  },
  {
    name: 'gateway: joined by Node',
    from: 'search',
    change: tamper(({ headers: all }) => ({
      headers: {
        ...all,
        'x-gateway-authorization': [`${all['x-gateway-authorization']}, ${all['x-gateway-authorization']}`],
      },
    })),
    expect: invalid('header'),
  },
  {
    name: 'gateway: registered as a BAP',
    from: 'search',
    change: (s) => {
      s.registry.set('gateway.example.com|key-1', { ...registered(dso), publicKey: registered(aggregator).publicKey });
    },
    expect: unauthorised('key-type'),
  },
  {
    name: 'gateway: unknown',
    from: 'search',
    change: (s) => {
      s.registry.delete('gateway.example.com|key-1');
    },
    expect: { status: 401, code: 'AUT_SUBSCRIBER_NOT_FOUND', reason: 'subscriber-unknown' },
  },
];

const bodyRows: Row[] = [
  {
    name: 'MSG-01 body over the limit',
    change: (s) => {
      s.limits = { ...s.limits, maxBodyBytes: 500 };
    },
    expect: { status: 413, code: 'SCH_BODY_TOO_LARGE', reason: 'size' },
  },
  {
    name: 'MSG-02 40,000 levels',
    change: text((t) => t.replace('"action"', `"x":${'['.repeat(40_000)}${']'.repeat(40_000)},"action"`)),
    expect: badJson,
  },
  {
    name: 'MSG-03 bpp_id twice',
    change: text((t) => t.replace('"bpp_id"', '"bpp_id":"bpp-other.example.com","bpp_id"')),
    expect: badJson,
  },
  {
    name: 'MSG-05 __proto__',
    change: text((t) => t.replace('"context"', '"__proto__":{"polluted":true},"context"')),
    expect: badJson,
  },
  {
    name: 'MSG-05 constructor.prototype',
    change: text((t) => t.replace('"context"', '"constructor":{"prototype":{"polluted":true}},"context"')),
    expect: badJson,
  },
  {
    name: 'MSG-06 invalid UTF-8',
    change: (s) => {
      s.serialise = (message) => {
        const raw = Buffer.from(JSON.stringify(message));
        raw[raw.length - 4] = 0xff;
        return raw;
      };
    },
    expect: badJson,
  },
  { name: 'MSG-06 lone surrogate', change: text((t) => t.replace('agg-1', 'agg\\ud800')), expect: badJson },
  { name: 'MSG-06 NUL', change: text((t) => t.replace('agg-1', 'agg\\u0000')), expect: badJson },
  { name: 'MSG-06 byte order mark', change: text((t) => `\ufeff${t}`), expect: badJson },
  {
    name: 'MSG-06 right-to-left override in an id',
    change: text((t) => t.replace('agg-1', 'agg-\u202e1')),
    expect: { status: 400, code: 'SCH_INVALID_FORMAT', reason: 'schema' },
  },
  ...[
    undefined,
    ['text/plain'],
    ['application/x+json'],
    ['application/json; charset=utf-16'],
    ['application/json', 'application/json'],
    [`application/json${' '.repeat(12_000)};`],
  ].map(
    (type): Row => ({
      name: `MSG-08 Content-Type ${type?.join(', ').replace(/ {9,}/, ' and 12,000 blanks') ?? 'none'}`,
      change: headers({ 'content-type': type }),
      expect: media('media-type'),
    }),
  ),
  {
    name: 'MSG-08 no raw body',
    change: tamper(() => ({ body: undefined })),
    expect: { status: 400, code: 'SCH_INVALID_JSON', reason: 'body' },
  },
  { name: 'MSG-09 gzip', change: headers({ 'content-encoding': ['gzip'] }), expect: media('encoding') },
  {
    name: 'MSG-10 1e400',
    change: text((t) => t.replace('"50"', '1e400')),
    expect: { status: 400, code: 'SCH_INVALID_FORMAT', reason: 'number' },
  },
  {
    name: 'MSG-10 a number for text',
    change: text((t) => t.replace('"50"', '50')),
    expect: { status: 400, code: 'SCH_INVALID_FORMAT', reason: 'schema' },
  },
  {
    name: 'no context',
    change: text((t) => t.replace('"context"', '"kontext"')),
    expect: { status: 400, code: 'SCH_INVALID_FORMAT', reason: 'context' },
  },
  {
    name: 'an unknown member',
    change: text((t) => t.replace('"message":', '"extra":1,"message":')),
    expect: { status: 400, code: 'SCH_INVALID_FORMAT', reason: 'schema' },
  },
  {
    name: 'order: bad signature and bad schema',
    change: both(
      flip,
      text((t) => t.replace('"50"', '50')),
    ),
    expect: invalid('digest'),
  },
  {
    name: 'order: no signature and bad JSON',
    change: both(
      headers({ authorization: undefined }),
      text(() => '{'),
    ),
    expect: { status: 401, code: 'AUT_SIGNATURE_MISSING', reason: 'missing' },
  },
  {
    name: 'order: expired and unknown key',
    change: (s) => {
      s.keyId = 'key-9';
      s.nowMs = (s.expiresS + 1) * 1000;
    },
    expect: invalid('expired'),
  },
  {
    name: 'TXN-07 ttl passed',
    change: context({ timestamp: new Date(NOW - 31_000).toISOString() }),
    expect: { status: 400, code: 'CTX_STALE', reason: 'ttl' },
  },
  {
    name: 'TXN-07 timestamp ahead',
    change: context({ timestamp: new Date(NOW + 6000).toISOString() }),
    expect: { status: 400, code: 'CTX_STALE', reason: 'timestamp' },
  },
  {
    name: 'TXN-07 too old, whatever the ttl',
    change: context({ timestamp: new Date(NOW - 3_700_000).toISOString(), ttl: 'P30D' }),
    expect: { status: 400, code: 'CTX_STALE', reason: 'timestamp' },
  },
  {
    name: 'TXN-01 message_id taken by other content',
    change: (s) => {
      s.remember = () => 'different';
    },
    expect: { status: 409, code: 'DUPLICATE_MESSAGE_ID', reason: 'duplicate' },
  },
  {
    name: 'F-06 backlog too old',
    change: (s) => {
      s.remember = () => 'overloaded';
    },
    expect: { status: 503, code: 'NET_DOWNSTREAM_UNAVAILABLE', reason: 'overloaded' },
  },
  {
    name: 'F-06 database away',
    change: (s) => {
      s.remember = () => Promise.reject(new Error('connection refused'));
    },
    expect: { status: 503, code: 'NET_DOWNSTREAM_UNAVAILABLE', reason: 'store' },
  },
];

export const ROWS: readonly Row[] = [...signatureRows, ...gatewayRows, ...bodyRows];
