import { expect } from 'chai';
import fc from 'fast-check';
import { formatSignatureHeader, parseSignatureHeader } from './signature-header.ts';
import { vectors } from './vectors.fixture.ts';

const [vector] = vectors.signatures;
const parameters = vector!.header
  .slice('Signature '.length)
  .split(/,(?=[a-zA-Z]+=)/)
  .map((parameter) => parameter.replace(/^(created|expires)="(\d+)"$/, '$1=$2'));
const parsed = parseSignatureHeader(vector!.header);

describe('signature header', () => {
  it('reads the exact form and writes it back', () => {
    for (const { header, keyId, subscriberId, createdS, expiresS, signature } of vectors.signatures) {
      const verdict = parseSignatureHeader(header);
      if (!verdict.ok) throw new Error(verdict.detail);
      expect(verdict.parsed).to.deep.equal({ subscriberId, keyId, createdS, expiresS, signature });
      expect(formatSignatureHeader(verdict.parsed)).to.equal(header);
    }
  });

  it('accepts any order, spaces around commas and equals signs, unquoted integers', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(parameters, { minLength: parameters.length }),
        fc.constantFrom('', ' ', '  ', '\t'),
        (order, space) => {
          const header = `Signature ${order.map((each) => each.replace('=', `${space}=${space}`)).join(`${space},${space}`)}`;
          expect(parseSignatureHeader(header)).to.deep.equal(parsed);
        },
      ),
    );
  });

  it('refuses any one parameter doubled, left out or renamed', () => {
    for (const [index, parameter] of parameters.entries()) {
      const rest = parameters.filter((_, other) => other !== index);
      for (const wrong of [[...parameters, parameter], rest, [...rest, `x${parameter}`]]) {
        const verdict = parseSignatureHeader(`Signature ${wrong.join(',')}`);
        expect(verdict).to.include({ ok: false, reason: 'header' });
      }
    }
  });

  it('never throws and never takes other text for a header', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        expect(parseSignatureHeader(text).ok).to.equal(false);
        expect(parseSignatureHeader(`${vector!.header},${text}`).ok).to.equal(false);
      }),
    );
  });

  for (const [name, header] of [
    ['another scheme', vector!.header.replace('Signature', 'Bearer')],
    ['a trailing comma', `${vector!.header},`],
    ['two headers joined', `${vector!.header}, ${vector!.header}`],
    ['keyId with four parts', vector!.header.replace('|ed25519"', '|x|ed25519"')],
    ['keyId with a path', vector!.header.replace('example-bap.com|', '../x|')],
    ['a line break', vector!.header.replace('",algorithm', '"\r\n,algorithm')],
    ['negative created', vector!.header.replace(/created="\d+"/, 'created="-1"')],
    ['fraction in expires', vector!.header.replace(/expires="\d+"/, 'expires="1.5"')],
    ['too long', `${vector!.header.slice(0, -1)}${'A'.repeat(1024)}"`],
  ] as const) {
    it(`refuses ${name}`, () => {
      expect(parsed.ok).to.equal(true);
      expect(parseSignatureHeader(header)).to.include({ ok: false, reason: 'header' });
    });
  }

  it('writes nothing for ids that would break the form', () => {
    if (!parsed.ok) throw new Error(parsed.detail);
    const broken = { ...parsed.parsed, keyId: 'a"b' as typeof parsed.parsed.keyId };
    expect(() => formatSignatureHeader(broken)).to.throw(TypeError, 'not identifiers');
  });
});
