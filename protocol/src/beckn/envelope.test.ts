import { expect } from 'chai';
import fc from 'fast-check';
import { ack, authenticateHeader, formatDuration, nack, parseDuration, readAnswer } from './envelope.ts';

describe('a peer’s answer', () => {
  it('ACK with 200 or 202 is acknowledged, and nothing else is', () => {
    expect(readAnswer(200, ack())).to.deep.equal({ acknowledged: true });
    expect(readAnswer(202, ack())).to.deep.equal({ acknowledged: true });
    for (const [status, body] of [
      [500, ack()],
      [302, ack()],
      [200, undefined],
      [200, null],
      [200, 'ACK'],
      [200, []],
      [200, { message: { ack: { status: 'ack' } } }],
      [200, nack('40002', 'no')],
      [200, { ...ack(), error: { code: '1', message: 'x' } }],
    ] as const) {
      expect(readAnswer(status, body), JSON.stringify(body)).to.include({ acknowledged: false });
    }
  });

  for (const [dialect, body, error] of [
    ['at the top', nack('40002', 'no', '/message'), { code: '40002', message: 'no', paths: '/message' }],
    [
      'inside message',
      { message: { ack: { status: 'NACK' }, error: { code: 'AUT', message: 'x' } } },
      { code: 'AUT', message: 'x' },
    ],
    [
      'numeric with a type',
      { message: { ack: { status: 'NACK' } }, error: { type: 'CORE-ERROR', code: 30000, message: 'x' } },
      { code: '30000', message: 'CORE-ERROR: x' },
    ],
    [
      'without any',
      { message: { ack: { status: 'NACK' } } },
      { code: 'HTTP_400', message: 'the peer answered 400 with NACK without an error' },
    ],
  ] as const) {
    it(`reads an error ${dialect}`, () => {
      expect(readAnswer(400, body)).to.deep.equal({ acknowledged: false, error });
    });
  }

  it('a 401 asks for a signature in our name, or for the gateway’s', () => {
    expect(authenticateHeader('me.example')).to.deep.equal({
      name: 'WWW-Authenticate',
      value: 'Signature realm="me.example",headers="(created) (expires) digest"',
    });
    expect(authenticateHeader('me.example', true).name).to.equal('Proxy-Authenticate');
  });
});

describe('durations', () => {
  for (const [text, ms] of [
    ['PT30S', 30_000],
    ['PT15M', 900_000],
    ['PT1H30M', 5_400_000],
    ['P1D', 86_400_000],
    ['P1DT2H', 93_600_000],
    ['PT0.25S', 250],
    ['PT0S', 0],
  ] as const) {
    it(`${text} is ${ms} ms and back`, () => {
      expect(parseDuration(text)).to.equal(ms);
      expect(formatDuration(ms)).to.equal(text);
    });
  }

  it('reads weeks and unusual units, refuses months, years, signs and empty parts', () => {
    expect(parseDuration('P2W')).to.equal(1_209_600_000);
    expect(parseDuration('PT90M')).to.equal(5_400_000);
    for (const text of [
      '',
      'P',
      'PT',
      'P1DT',
      '30',
      'PT30',
      'P1M',
      'P1Y',
      '-PT30S',
      'PT-30S',
      'pt30s',
      'PT1.5H',
      ' PT30S',
    ]) {
      expect(parseDuration(text), text).to.equal(undefined);
    }
  });

  it('any whole milliseconds survive', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 12 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).to.equal(ms);
      }),
    );
    expect(() => formatDuration(-1)).to.throw(RangeError);
    expect(() => formatDuration(Number.POSITIVE_INFINITY)).to.throw(RangeError);
  });
});
