/** Applications and lookups that a registry refuses, each one change to one that it takes. */
import { gzipSync } from 'node:zlib';
import { lowOrderEncodings } from '@flexder/protocol/beckn/public-key.ts';
import { BODY_BYTES } from '@flexder/registry-mock/limits.ts';
import { newKeys } from '@flexder/registry-mock/testing/network.ts';
import { type Application, type RegistryRefusal, signedBy } from './registry-door.ts';
import type { WireRequest } from './wire.ts';

export const invalid = (text: RegExp): RegistryRefusal => ({ status: 400, code: 'SCH_INVALID_FORMAT', text });
export const badJson = (text: RegExp): RegistryRefusal => ({ status: 400, code: 'SCH_INVALID_JSON', text });
const media: RegistryRefusal = {
  status: 415,
  code: 'SCH_UNSUPPORTED_MEDIA_TYPE',
  text: /Content-Type|content-encoding/,
};
const signature = (text: RegExp): RegistryRefusal => ({ status: 401, code: 'AUT_SIGNATURE_INVALID', text });
const tooLarge: RegistryRefusal = { status: 413, code: 'SCH_BODY_TOO_LARGE', text: new RegExp(`${BODY_BYTES} bytes`) };

export interface ApplicationRow {
  readonly id: string;
  readonly name: string;
  readonly change?: Record<string, unknown>;
  /** Of the text that is sent. */
  readonly text?: (text: string) => string | Uint8Array;
  readonly wire?: (application: Application) => Partial<WireRequest>;
  readonly expect: RegistryRefusal;
}

const type =
  (value: string | undefined): ApplicationRow['wire'] =>
  () => ({
    headers: value === undefined ? [] : [['Content-Type', value]],
  });
export const own = newKeys();
/** Signed by the key that is registered, then changed. */
const signed =
  (change: (value: string) => string, times = 1): ApplicationRow['wire'] =>
  (application) => {
    const [json, [name, value] = ['', '']] = signedBy(application.subscriber_id, own, application).headers ?? [];
    const changed = change(value);
    return { headers: [json!, ...Array.from({ length: times }, () => [name, changed] as const)] };
  };
export const ownKey = { signing_public_key: own.signingPublicKey };
const set = (from: string | RegExp, to: string) => signed((value) => value.replace(from, to));

export const APPLICATIONS: readonly ApplicationRow[] = [
  {
    id: 'SIG-02',
    name: 'another body signed',
    change: ownKey,
    text: (t) => t.replace('BPP', 'BAP'),
    wire: signed((v) => v),
    expect: signature(/signature/),
  },
  {
    id: 'SIG-03',
    name: 'spaces added after signing',
    change: ownKey,
    text: (t) => JSON.stringify(JSON.parse(t), null, 1),
    wire: signed((v) => v),
    expect: signature(/signature/),
  },
  {
    id: 'SIG-07',
    name: 'times edited',
    change: ownKey,
    wire: signed((v) => v.replace(/created="(\d+)"/, (_, s) => `created="${Number(s) - 1}"`)),
    expect: signature(/signature/),
  },
  {
    id: 'SIG-06',
    name: 'a life of ten years',
    change: ownKey,
    wire: set(/expires="\d+"/, 'expires="2000000000"'),
    expect: signature(/lifetime/),
  },
  {
    id: 'SIG-04',
    name: 'expired',
    change: ownKey,
    wire: set(/created="\d+",expires="\d+"/, 'created="1700000000",expires="1700000030"'),
    expect: signature(/expired/),
  },
  {
    id: 'SIG-12',
    name: 'signed by somebody else',
    change: ownKey,
    wire: set(/keyId="[^|]*/, 'keyId="evil.example'),
    expect: signature(/signed by evil\.example/),
  },
  {
    id: 'SIG-13',
    name: 'signature twice in one header',
    change: ownKey,
    wire: set('signature=', 'signature="AAAA",signature='),
    expect: signature(/twice/),
  },
  {
    id: 'SIG-14',
    name: 'two Authorization headers',
    change: ownKey,
    wire: signed((v) => v, 2),
    expect: signature(/one Authorization/),
  },
  {
    id: 'SIG-15',
    name: 'algorithm none',
    change: ownKey,
    wire: set('algorithm="ed25519"', 'algorithm="none"'),
    expect: signature(/algorithm/),
  },
  {
    id: 'SIG-16',
    name: 'less covered',
    change: ownKey,
    wire: set('(created) (expires) digest', '(created)'),
    expect: signature(/headers/),
  },
  {
    id: 'SIG-18',
    name: 'a signature of no bytes',
    change: ownKey,
    wire: set(/signature="[^"]*"/, 'signature=""'),
    expect: signature(/signature/),
  },
  {
    id: 'SIG-21',
    name: 'signed with a key nobody registered',
    change: ownKey,
    wire: set('|key-1|', '|key-9|'),
    expect: signature(/key-9/),
  },
  ...lowOrderEncodings().map(
    (raw, index): ApplicationRow => ({
      ...{ id: 'SIG-19', name: `low-order key ${index + 1}` },
      change: { signing_public_key: Buffer.from(raw).toString('base64') },
      expect: invalid(/signing_public_key is refused/),
    }),
  ),
  { id: 'MSG-01', name: 'more than the limit', text: (t) => t.padEnd(BODY_BYTES + 1), expect: tooLarge },
  {
    id: 'MSG-01',
    name: 'chunks without end',
    wire: () => ({ length: 'chunked', endlessBytes: 32 * 1024 * 1024 }),
    expect: tooLarge,
  },
  {
    id: 'MSG-02',
    name: '5,000 levels',
    text: (t) => t.replace('{', `{"x":${'['.repeat(5_000)}${']'.repeat(5_000)},`),
    expect: badJson(/deeper than/),
  },
  {
    id: 'MSG-03',
    name: 'subscriber_id twice',
    text: (t) => t.replace('{', '{"subscriber_id":"other.example",'),
    expect: badJson(/twice/),
  },
  {
    id: 'MSG-05',
    name: '__proto__',
    text: (t) => t.replace('{', '{"__proto__":{"polluted":true},'),
    expect: badJson(/__proto__/),
  },
  {
    id: 'MSG-05',
    name: 'an id of a prototype',
    change: { subscriber_id: 'constructor' },
    expect: invalid(/subscriber_id/),
  },
  {
    id: 'MSG-06',
    name: 'invalid UTF-8',
    text: (t) => Buffer.concat([Buffer.from(t.slice(0, 3)), Buffer.from([0xff]), Buffer.from(t.slice(3))]),
    expect: badJson(/UTF-8/),
  },
  { id: 'MSG-06', name: 'NUL in an id', change: { subscriber_id: 'a\u0000b' }, expect: badJson(/NUL/) },
  {
    id: 'MSG-06',
    name: 'right-to-left override in an id',
    change: { subscriber_id: 'a\u202eb' },
    expect: invalid(/subscriber_id/),
  },
  { id: 'MSG-08', name: 'text/plain', wire: type('text/plain'), expect: media },
  { id: 'MSG-08', name: 'no Content-Type', wire: type(undefined), expect: media },
  { id: 'MSG-08', name: 'charset utf-16', wire: type('application/json; charset=utf-16'), expect: media },
  {
    id: 'MSG-09',
    name: 'compressed',
    text: (t) => gzipSync(t),
    wire: () => ({
      headers: [
        ['Content-Type', 'application/json'],
        ['Content-Encoding', 'gzip'],
      ],
    }),
    expect: media,
  },
  { id: 'MSG-10', name: 'a number for text', change: { key_id: 1 }, expect: invalid(/key_id/) },
  { id: 'MSG-10', name: '1e400', text: (t) => t.replace('{', '{"x":1e400,'), expect: badJson(/number/) },
  { id: 'MSG-12', name: 'a script for an address', change: { url: 'javascript:alert(1)' }, expect: invalid(/url/) },
  { id: 'MSG-12', name: 'a file for an address', change: { url: 'file:///etc/passwd' }, expect: invalid(/url/) },
  {
    id: 'MSG-14',
    name: '1,000 members',
    text: (t) => t.replace('{', `{${Array.from({ length: 1_000 }, (_, i) => `"k${i}":0,`).join('')}`),
    expect: badJson(/members/),
  },
  { id: 'MSG-16', name: 'a line break in a text', change: { domain: 'a\r\nlevel=error' }, expect: invalid(/domain/) },
  {
    id: 'REG-05',
    name: 'an id of 8,000 characters',
    change: { subscriber_id: 'a'.repeat(8_000) },
    expect: invalid(/subscriber_id/),
  },
  {
    id: 'REG-05',
    name: 'an address of 600 characters',
    change: { url: `http://127.0.0.1:9/${'a'.repeat(600)}` },
    expect: invalid(/url/),
  },
  { id: 'REG-01', name: 'a registry of its own', change: { type: 'LREG' }, expect: invalid(/type/) },
  { id: 'REG-01', name: 'no nonce', change: { nonce: undefined }, expect: invalid(/nonce/) },
  {
    id: 'SIG-22',
    name: 'a key that has ended',
    change: { valid_until: '2020-01-01T00:00:00Z' },
    expect: invalid(/valid_until/),
  },
];

/** What the strict profile does not register; the twin is an https address with a public name. */
export const ADDRESSES: readonly (readonly [id: string, url: string])[] = [
  ...['169.254.169.254', '127.0.0.1', '10.0.0.1', '[::1]', '0.0.0.0', 'localhost.', 'db.internal', 'router'].map(
    (host) => ['NET-01', `https://${host}/beckn`] as const,
  ),
  ...['2130706433', '0x7f.1', '127.1', '①②⑦.0.0.1', 'ⓛocalhost', '[::ffff:7f00:1]', '[64:ff9b::7f00:1]'].map(
    (host) => ['NET-02', `https://${host}/beckn`] as const,
  ),
  ...['[2002:7f00:1::]', '[2001:0:4136:e378:8000:63bf:3fff:fdd2]', 'user@bpp.example.com'].map(
    (host) => ['NET-02', `https://${host}/beckn`] as const,
  ),
  ['NET-01', 'http://bpp.example.com/beckn'],
  ['NET-04', 'https://bpp.example.com/beckn?to=elsewhere'],
];

/** Of `POST /lookup`. */
export const LOOKUPS: readonly { id: string; name: string; body: string; expect: RegistryRefusal }[] = [
  { id: 'MSG-03', name: 'a member twice', body: '{"type":"BAP","type":"BPP"}', expect: badJson(/twice/) },
  { id: 'MSG-05', name: '__proto__', body: '{"__proto__":{"type":"BPP"}}', expect: badJson(/__proto__/) },
  {
    id: 'MSG-10',
    name: 'an object for an id',
    body: '{"subscriber_id":{"$ne":1}}',
    expect: invalid(/subscriber_id/),
  },
  { id: 'MSG-10', name: 'a negative page', body: '{"page":-1}', expect: invalid(/page/) },
  { id: 'MSG-06', name: 'NUL in an id', body: '{"subscriber_id":"a\\u0000"}', expect: badJson(/NUL/) },
  {
    id: 'REG-05',
    name: 'an id of 12,000 characters',
    body: `{"subscriber_id":"${'a'.repeat(12_000)}"}`,
    expect: badJson(/longer|characters/),
  },
  { id: 'REG-05', name: 'no filter but a list', body: '[]', expect: invalid(/filter/) },
];
