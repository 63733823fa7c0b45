/** What is in the body, when it comes and what it refers to: MSG, TXN and F. */
import { NOW } from '../inbound.fixture.ts';
import { badJson, both, context, flip, headers, invalid, media, type Row, tamper, text } from './changes.fixture.ts';

export const bodyRows: readonly Row[] = [
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
