import { expect } from 'chai';
import { bounded } from './bounded.ts';

describe('bounded map', () => {
  it('keeps what is in use and never more than its places', () => {
    const map = bounded<string>(3);
    let made = 0;
    const get = (key: string) => map.get(key, () => `${key}${++made}`);
    for (const key of ['a', 'b', 'c', 'a', 'd', 'a']) get(key);
    expect(made).to.equal(4);
    expect(map.size).to.equal(3);
    expect(get('a')).to.equal('a1');
    // b was unused for longest when d came.
    expect(get('b')).to.equal('b5');
    expect(map.size).to.equal(3);
  });
});
