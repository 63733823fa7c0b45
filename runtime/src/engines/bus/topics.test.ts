import type { DerId, FeederId, SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { expect } from 'chai';
import fc from 'fast-check';
import { covers, isTopicFilter, isTopicName, matches } from './filters.ts';
import { frameGuard } from './frames.ts';
import { publishAllowance } from './rate.ts';
import { deviceFilter, deviceTopic, feederFilter, feederTopic, parseTopic } from './topics.ts';

const agg = 'agg.example' as SubscriberId;
const der = 'der-1' as DerId;

describe('topics of the bus', () => {
  it('are read back as they were built', () => {
    expect(deviceTopic(agg, der, 'cmd')).to.equal('flex/v1/agg.example/der-1/cmd');
    expect(parseTopic(deviceTopic(agg, der, 'cmd'))).to.deep.equal({
      family: 'flex',
      aggregatorId: agg,
      derId: der,
      kind: 'cmd',
    });
    expect(feederTopic(agg, 'f1' as FeederId)).to.equal('grid/v1/agg.example/f1/telemetry');
    expect(parseTopic(feederTopic(agg, 'f1' as FeederId))).to.deep.equal({
      family: 'grid',
      dsoId: agg,
      feederId: 'f1',
      kind: 'telemetry',
    });
    expect([deviceFilter(agg, 'ack'), feederFilter(agg)]).to.deep.equal([
      'flex/v1/agg.example/+/ack',
      'grid/v1/agg.example/+/telemetry',
    ]);
  });

  for (const id of ['+', '#', 'a/b', '', '$SYS', 'a\u0000b', '../x', '/'.repeat(300), 'x'.repeat(200)]) {
    it(`cannot be built from ${JSON.stringify(id.slice(0, 20))}, though a cast says so`, () => {
      expect(() => deviceTopic(agg, id as DerId, 'cmd')).to.throw(TypeError, /cannot stand in a topic/);
      expect(() => deviceFilter(id as SubscriberId, 'cmd')).to.throw(TypeError);
      expect(() => feederTopic(agg, id as FeederId)).to.throw(TypeError);
      expect(parseTopic(`flex/v1/agg.example/${id}/cmd`)).to.equal(undefined);
    });
  }

  for (const topic of [
    '',
    'flex/v1/a/b',
    'flex/v1/a/b/cmd/x',
    'flex/v2/a/b/cmd',
    'flex/v1/a/b/other',
    'grid/v1/a/b/cmd',
    'other/v1/a/b/telemetry',
  ]) {
    it(`are none of ${JSON.stringify(topic)}`, () => expect(parseTopic(topic)).to.equal(undefined));
  }
});

describe('topic filters', () => {
  it('match as MQTT 3.1.1 §4.7 says', () => {
    const cases: [string, string, boolean][] = [
      ['a/b', 'a/b', true],
      ['a/+', 'a/b', true],
      ['a/+', 'a', false],
      ['a/+', 'a/b/c', false],
      ['a/#', 'a/b/c', true],
      ['a/#', 'a', true],
      ['#', 'a/b', true],
      ['+/b', 'a/b', true],
      ['+/+', 'a', false],
      ['a/b', 'a/B', false],
      ['+', 'a/b', false],
    ];
    for (const [filter, topic, expected] of cases)
      expect(matches(filter, topic), `${filter} ${topic}`).to.equal(expected);
  });

  it('cover another filter only when each of its topics matches', () => {
    const level = fc.constantFrom('a', 'b', 'c');
    const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
    const filter = fc
      .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([levels, open]) => [...levels, ...(open ? ['#'] : [])].join('/'));
    fc.assert(
      fc.property(filter, filter, topic, (outer, inner, name) => {
        if (covers(outer, inner) && matches(inner, name))
          expect(matches(outer, name), `${outer} ${inner} ${name}`).to.equal(true);
      }),
      { seed: 1, numRuns: 2_000 },
    );
    expect([covers('a/+/c', 'a/b/c'), covers('a/+/c', 'a/+/c'), covers('a/#', 'a/+')]).to.deep.equal([
      true,
      true,
      true,
    ]);
    expect([covers('a/b/c', 'a/+/c'), covers('a/+', 'a/#'), covers('+/b', '#')]).to.deep.equal([false, false, false]);
  });

  it('are bounded, and free of what no topic holds', () => {
    for (const good of ['a', 'a/b', 'flex/v1/x/y/cmd'])
      expect([isTopicName(good), isTopicFilter(good)]).to.deep.equal([true, true]);
    for (const bad of ['', 'a\u0000', 'a\n', '$SYS/a', 'x'.repeat(513), '/'.repeat(8)]) {
      expect([isTopicName(bad), isTopicFilter(bad)], bad).to.deep.equal([false, false]);
    }
    for (const wild of ['+', 'a/+', 'a/#', '#'])
      expect([isTopicName(wild), isTopicFilter(wild)]).to.deep.equal([false, true]);
    for (const broken of ['a+', '#/a', 'a#', 'a/b+/c']) expect(isTopicFilter(broken), broken).to.equal(false);
  });
});

describe('the frames of a connection', () => {
  const frame = (length: number) => {
    const head = [0x30];
    for (let left = length; ; left >>= 7) {
      head.push(left > 127 ? (left & 127) | 128 : left);
      if (left <= 127) break;
    }
    return Buffer.concat([Buffer.from(head), Buffer.alloc(length, 0xff)]);
  };

  it('pass up to their bound however they are cut, and not above it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 8 }),
        fc.integer({ min: 1, max: 50 }),
        (lengths, size) => {
          const accepts = frameGuard(200);
          const bytes = Buffer.concat(lengths.map(frame));
          let passed = true;
          for (let at = 0; at < bytes.length && passed; at += size) passed = accepts(bytes.subarray(at, at + size));
          expect(passed).to.equal(lengths.every((length) => length <= 200));
        },
      ),
      { seed: 1, numRuns: 500 },
    );
  });

  it('are refused by what they announce, before it comes', () => {
    expect(frameGuard(200)(frame(1_000_000).subarray(0, 4))).to.equal(false);
    expect(frameGuard(1e9)(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0xff])), 'a length of five bytes').to.equal(
      false,
    );
  });
});

describe('the allowance of a connection', () => {
  it('is a burst, and then a rate', () => {
    let nowMs = 0;
    const may = publishAllowance(10, 3, () => nowMs);
    expect([may(), may(), may(), may()]).to.deep.equal([true, true, true, false]);
    nowMs += 100;
    expect([may(), may()]).to.deep.equal([true, false]);
    nowMs += 60_000;
    expect([may(), may(), may(), may()]).to.deep.equal([true, true, true, false]);
  });
});
