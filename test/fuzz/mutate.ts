/** Inputs for fuzzing: something valid, and a few changes to it that a shrinker can take back one by one. */
import fc from 'fast-check';

type Mutation =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'delete' | 'repeat'; readonly at: number; readonly length: number }
  | { readonly kind: 'cut'; readonly at: number };

/** What has broken readers before: of any format. */
const TROUBLE = [
  '',
  '"',
  '\\',
  '\0',
  '\r\n',
  '\u2028',
  '\ud800',
  '\ufeff',
  '-0',
  '1e400',
  '9'.repeat(25),
  'NaN',
  'null',
];
const MORE = ['[', '{', '}', ']', ',', ':', '=', ';', '/', '+', '#', '..', '%00', '__proto__', 'constructor', '=cmd()'];
const RAW = [
  Buffer.from([0xff]),
  Buffer.from([0xc0, 0x80]),
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from([0xf0, 0x9f]),
];
const MUTATIONS = 8;
const LONGEST_RUN = 400;

/** `corpus` holds valid inputs, `words` what the format is made of. */
export function mutated(corpus: readonly Buffer[], words: readonly string[]): fc.Arbitrary<Buffer> {
  const at = fc.double({ min: 0, max: 1, noNaN: true });
  const texts = [...TROUBLE, ...MORE, ...words].map((text) => Buffer.from(text));
  const piece: fc.Arbitrary<Uint8Array> = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom<Uint8Array[]>(...texts, ...RAW) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 12 }) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom(...texts), fc.integer({ min: 2, max: LONGEST_RUN }))
        .map(([one, times]) => Buffer.concat(Array.from({ length: times }, () => one))),
    },
  );
  const mutation: fc.Arbitrary<Mutation> = fc.oneof(
    fc.record({ kind: fc.constant('flip' as const), at, bit: fc.integer({ min: 0, max: 7 }) }),
    fc.record({ kind: fc.constant('insert' as const), at, bytes: piece }),
    fc.record({
      kind: fc.constantFrom('delete' as const, 'repeat' as const),
      at,
      length: fc.integer({ min: 1, max: 64 }),
    }),
    fc.record({ kind: fc.constant('cut' as const), at }),
  );
  return fc
    .tuple(fc.constantFrom(...corpus), fc.array(mutation, { maxLength: MUTATIONS }))
    .map(([valid, changes]) => changes.reduce(apply, valid));
}

function apply(bytes: Buffer, change: Mutation): Buffer {
  const at = Math.floor(change.at * bytes.length);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (change.kind) {
    case 'flip': {
      const flipped = Buffer.from(bytes);
      if (at < flipped.length) flipped[at] = flipped[at]! ^ (1 << change.bit);
      return flipped;
    }
    case 'insert':
      return Buffer.concat([before, change.bytes, after]);
    case 'delete':
      return Buffer.concat([before, after.subarray(change.length)]);
    case 'repeat':
      return Buffer.concat([before, after.subarray(0, change.length), after]);
    case 'cut':
      return before;
  }
}
