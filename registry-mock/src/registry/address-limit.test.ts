import { expect } from 'chai';
import { ADDRESS_SHARE, ADDRESSES } from '../limits.ts';
import { createAddressLimit, holderOf } from './address-limit.ts';

describe('the share of an address', () => {
  it('takes an IPv6 address with its /64, and an IPv4 one for what it is over either socket', () => {
    expect(holderOf('2001:db8:1:2:3:4:5:6')).to.equal(holderOf('2001:db8:1:2::1'));
    expect(holderOf('2001:db8:1:2::1')).to.not.equal(holderOf('2001:db8:1:3::1'));
    expect(holderOf('::ffff:192.0.2.1')).to.equal(holderOf('192.0.2.1'));
    expect(holderOf('192.0.2.1')).to.not.equal(holderOf('192.0.2.2'));
    expect(holderOf(undefined)).to.equal(holderOf(''));
  });

  it('is its own, and comes back with time', () => {
    let nowMs = 0;
    const limit = createAddressLimit(8, 4, () => nowMs);
    const taken = (address: string) => Array.from({ length: 10 }, () => limit.take(address)).filter(Boolean).length;
    expect(taken('192.0.2.1')).to.equal(8 * ADDRESS_SHARE);
    expect(taken('192.0.2.2')).to.equal(8 * ADDRESS_SHARE);
    nowMs += 1_000;
    expect(taken('192.0.2.1')).to.equal(4 * ADDRESS_SHARE);
  });

  it('is kept of a bounded number of addresses: the one not heard of for longest is forgotten', () => {
    const limit = createAddressLimit(1 / ADDRESS_SHARE, 1, () => 0);
    const addressOf = (i: number) => `10.0.${i >> 8}.${i & 255}`;
    for (let i = 0; i < ADDRESSES; i++) limit.take(addressOf(i));
    expect(limit.take(addressOf(0)), 'still known').to.equal(false);
    limit.take(addressOf(ADDRESSES));
    expect(limit.take(addressOf(0)), 'known, since it was heard of').to.equal(false);
    expect(limit.take(addressOf(1)), 'forgotten').to.equal(true);
  });
});
