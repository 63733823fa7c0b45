import { expect } from 'chai';
import fc from 'fast-check';
import { type JsonReason, parseStrict } from './json.ts';
import { JSON_LIMITS } from './limits.ts';

const parse = (text: string | Uint8Array, limits = JSON_LIMITS) =>
  parseStrict(typeof text === 'string' ? Buffer.from(text) : text, limits);
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const join = (...parts: (string | number[])[]) => Buffer.concat(parts.map((part) => Buffer.from(part as string)));

describe('strict JSON', () => {
  it('reads what JSON.parse reads, whatever the spacing', () => {
    const keys = fc
      .string({ unit: 'grapheme', maxLength: 8 })
      .filter((key) => !key.includes('\0') && key !== '__proto__');
    const safe = fc
      .json({ maxDepth: 5, noUnicodeString: false })
      .map((text) => JSON.parse(text))
      .filter(
        (value) => !/\\u0000|"(__proto__|constructor|prototype)"|-?\d{16,}(?![\d.e])/.test(JSON.stringify(value)),
      );
    fc.assert(
      fc.property(fc.dictionary(keys, safe), fc.constantFrom(0, 1, 2, '\t'), (value, space) => {
        const text = JSON.stringify(value, null, space);
        const verdict = parse(text);
        // A key or value may be named like a member of every object: then refusing is right.
        if (!verdict.ok && verdict.reason === 'forbidden-key') return;
        expect(verdict).to.deep.equal({ ok: true, value: JSON.parse(text) });
      }),
    );
  });

  it('never throws, and accepts nothing that JSON.parse refuses', () => {
    const alphabet = fc.constantFrom(...'{}[]",:\\u0dD8e-+.1 tnalsrf', '\n', '\0', 'é');
    fc.assert(
      fc.property(fc.string({ unit: alphabet, maxLength: 24 }), (text) => {
        const verdict = parse(text);
        if (verdict.ok) expect(verdict.value).to.deep.equal(JSON.parse(text));
      }),
      { numRuns: 2000 },
    );
  });

  const rows: [string, string | Uint8Array, JsonReason, string][] = [
    ['no bytes', '', 'empty', ''],
    ['a cut document', '{"a":[1,', 'syntax', '/a/1'],
    ['a second document', '{} {}', 'syntax', ''],
    ['a trailing comma', '[1,]', 'syntax', '/1'],
    ['a leading zero', '{"a":01}', 'syntax', ''],
    ['single quotes', "{'a':1}", 'syntax', ''],
    ['NaN', '{"a":NaN}', 'syntax', '/a'],
    ['a raw line break in a string', '{"a":"\n"}', 'syntax', '/a'],
    ['invalid UTF-8', join('{"a":"', [0xc3, 0x28], '"}'), 'utf-8', ''],
    ['an overlong slash', join('{"a":"', [0xc0, 0xaf], '"}'), 'utf-8', ''],
    ['a surrogate in UTF-8', join('"', [0xed, 0xa0, 0x80], '"'), 'utf-8', ''],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le'), 'nul', ''],
    ['a byte order mark', join([0xef, 0xbb, 0xbf], '{}'), 'bom', ''],
    ['an escaped NUL', '{"a":"x\\u0000"}', 'nul', '/a'],
    ['a raw NUL', '{"a":"\0"}', 'nul', '/a'],
    ['a lone high surrogate', '{"a":"\\ud83d"}', 'surrogate', '/a'],
    ['a high surrogate before another character', '{"a":"\\ud83d\\u0041"}', 'surrogate', '/a'],
    ['a lone low surrogate', '{"a":"\\ude00"}', 'surrogate', '/a'],
    ['a duplicate key', '{"context":{"bpp_id":"a","bpp_id":"b"}}', 'duplicate-key', '/context/bpp_id'],
    ['a duplicate key in disguise', '{"a":1,"\\u0061":2}', 'duplicate-key', '/a'],
    ['__proto__', '{"a":{"__proto__":{"polluted":1}}}', 'forbidden-key', '/a/__proto__'],
    ['__proto__ in disguise', '{"\\u005f_proto__":1}', 'forbidden-key', '/__proto__'],
    ['constructor', '{"constructor":{"prototype":{}}}', 'forbidden-key', '/constructor'],
    ['prototype', '{"a":[{"prototype":1}]}', 'forbidden-key', '/a/0/prototype'],
    ['33 levels', nested(33), 'depth', '/0'.repeat(32)],
    ['40,000 levels', nested(40_000), 'depth', '/0'.repeat(32)],
    ['1e400', '{"a":[0,1e400]}', 'number', '/a/1'],
    ['a whole number that loses digits', '{"a":12345678901234567890}', 'number', '/a'],
    [
      'too many members',
      JSON.stringify(Object.fromEntries(Array.from({ length: 129 }, (_, n) => [n, n]))),
      'members',
      '',
    ],
    ['too many elements', JSON.stringify(Array(1001).fill(0)), 'array-length', '/999'],
    ['a string too long', JSON.stringify({ a: 'x'.repeat(8193) }), 'string-length', '/a'],
    ['a key that needs escapes in the pointer', '{"a/b~c":tru}', 'syntax', '/a~1b~0c'],
  ];
  for (const [name, text, reason, path] of rows) {
    it(`refuses ${name}: ${reason}`, () => {
      const verdict = parse(text);
      expect(verdict).to.include({ ok: false, reason, path });
    });
  }

  it('accepts the neighbours of what it refuses', () => {
    const polite = '{"protoype":1,"a":"\\ud83d\\ude00 😀 \\n","b":-0.5e-3,"c":9007199254740991,"d":1.5e300}';
    for (const text of [
      polite,
      nested(32),
      JSON.stringify({ a: 'x'.repeat(8192) }),
      JSON.stringify(Array(1000).fill(0)),
    ]) {
      expect(parse(text)).to.deep.equal({ ok: true, value: JSON.parse(text) });
    }
    expect(({} as Record<string, unknown>).polluted).to.equal(undefined);
  });

  it('says where', () => {
    expect(parse('{"a":[1,2,x]}')).to.include({
      position: 10,
      message: 'expected a value, found "x" at /a/2, character 10',
    });
  });
});
