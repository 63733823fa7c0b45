/** Signatures, keys and addresses: SIG, REG and NET. */
import { aggregator, dso, evil, NOW, registered } from '../inbound.fixture.ts';
import { lowOrderEncodings } from '../public-key.ts';
import {
  algorithm,
  authorization,
  both,
  bytes,
  context,
  flip,
  headers,
  invalid,
  KEY,
  key,
  NOW_S,
  type Row,
  revoked,
  signature,
  tamper,
  unauthorised,
} from './changes.fixture.ts';

export const signatureRows: readonly Row[] = [
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
    name: 'SIG-12 a seller that buys without being registered as a buyer',
    change: key({ type: 'BPP' }),
    expect: unauthorised('signer-role'),
  },
  {
    name: 'SIG-12 a gateway that buys',
    change: key({ type: 'BG' }),
    expect: unauthorised('signer-role'),
  },
  {
    name: 'SIG-12 a buyer that answers',
    from: 'on_select',
    change: (s) => {
      s.registry.set(`${aggregator.id}|key-1`, { ...registered(aggregator), type: 'BAP' });
    },
    expect: unauthorised('signer-role'),
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
