import { pbkdf2Sync } from 'node:crypto';
import type { DerId, SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { expect } from 'chai';
import { aggregatorAccount, deviceAccount } from './accounts.ts';
import { mosquittoAcl, mosquittoConfig, mosquittoPasswords } from './mosquitto.ts';
import type { BusAccount } from './port.ts';

const agg = 'agg.example' as SubscriberId;
const good: BusAccount[] = [aggregatorAccount(agg, 'secret-a'), deviceAccount(agg, 'der-1' as DerId, 'secret-1')];
const secret = (bytes: number) => Buffer.alloc(bytes, 7);

describe('files of Mosquitto', () => {
  it('hold a hash of each password', () => {
    const [first, second] = mosquittoPasswords(good, secret).trimEnd().split('\n');
    const hash = pbkdf2Sync('secret-a', Buffer.alloc(12, 7), 101, 64, 'sha512').toString('base64');
    expect(first).to.equal(`aggregator/agg.example:$7$101$BwcHBwcHBwcHBwcH$${hash}`);
    expect(second).to.match(/^der\/agg\.example\/der-1:\$7\$101\$/);
    expect(mosquittoPasswords(good, secret)).to.not.contain('secret-');
  });

  it('give each account its own topics', () => {
    expect(
      mosquittoAcl([...good, { ...good[0]!, username: 'both', publish: ['a/b', 'a/c'], subscribe: ['a/b'] }]),
    ).to.equal(
      [
        'user aggregator/agg.example',
        'topic write flex/v1/agg.example/+/cmd',
        ...['birth', 'ack', 'telemetry', 'state'].map((kind) => `topic read flex/v1/agg.example/+/${kind}`),
        '',
        'user der/agg.example/der-1',
        ...['birth', 'ack', 'telemetry', 'state'].map((kind) => `topic write flex/v1/agg.example/der-1/${kind}`),
        'topic read flex/v1/agg.example/der-1/cmd',
        '',
        'user both',
        'topic readwrite a/b',
        'topic write a/c',
        '',
        '',
      ].join('\n'),
    );
  });

  const device = good[1]!;
  const bad: [string, Partial<BusAccount>, RegExp][] = [
    [
      'a line in its name',
      { username: 'der/a/b\nuser aggregator/agg.example' },
      /"der\/a\/b\\nuser aggregator.*user name/,
    ],
    ['a colon in its name', { username: 'der/a:b' }, /"der\/a:b" cannot be a user name/],
    ['a blank in its name', { username: 'der/a b' }, /cannot be a user name/],
    ['a wildcard in its name', { username: 'der/+/x' }, /cannot be a user name/],
    ['a comment for a name', { username: '#der' }, /cannot be a user name/],
    ['no name', { username: '' }, /cannot be a user name/],
    ['no password', { password: '' }, /"der\/agg\.example\/der-1" has no password/],
    ['a line in a filter', { publish: ['a/b\ntopic #'] }, /has a filter no account of this bus has/],
    ['a blank in a filter', { subscribe: ['a b/c'] }, /has a filter/],
    ['the broker’s own topics', { subscribe: ['$SYS/#'] }, /has a filter .*\$SYS/],
    ['a pattern', { publish: ['flex/%u/x'] }, /has a filter .*%u/],
    ['half a wildcard', { publish: ['a+/b'] }, /has a filter/],
  ];
  for (const [name, change, message] of bad) {
    it(`are refused for an account with ${name}`, () => {
      const accounts = [...good.slice(0, 1), { ...device, ...change }];
      for (const write of [() => mosquittoAcl(accounts), () => mosquittoPasswords(accounts, secret)])
        expect(write).to.throw(message);
      expect(() => mosquittoAcl(accounts)).to.not.throw(/secret-1/);
    });
  }

  it('are refused when a name stands twice, and tell a bounded number of faults', () => {
    expect(() => mosquittoAcl([device, device])).to.throw(/is listed twice/);
    const many = Array.from({ length: 50 }, (_, i) => ({ ...device, username: `der ${i}` }));
    expect(() => mosquittoAcl(many)).to.throw(/"der 19".*And 30 more\.$/);
  });

  it('configure one listener that knows everybody, encrypted when asked', () => {
    const place = { dir: '/etc/flexder', host: '127.0.0.1', port: 1883 };
    const plain = mosquittoConfig(place).split('\n');
    expect(plain).to.include.members([
      'per_listener_settings true',
      'listener 1883 127.0.0.1',
      'allow_anonymous false',
      'password_file /etc/flexder/passwords',
      'acl_file /etc/flexder/acl',
    ]);
    expect(plain.filter((line) => /cert|key|user /.test(line) && !line.startsWith('max_keepalive'))).to.deep.equal([]);
    const tls = { cert: '/c.pem', key: '/k.pem' };
    expect(mosquittoConfig({ ...place, tls }))
      .to.contain('certfile /c.pem\nkeyfile /k.pem')
      .and.not.contain('require');
    expect(mosquittoConfig({ ...place, tls: { ...tls, ca: '/ca.pem' } })).to.contain(
      'cafile /ca.pem\nrequire_certificate true',
    );
    expect(() => mosquittoConfig({ ...place, dir: '/a\nallow_anonymous true' })).to.throw(RangeError);
  });
});
