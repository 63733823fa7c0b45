import { expect } from 'chai';
import { parseSaved, withSaved } from './saved.ts';

const one = (name: string, place = 'audit?feeder_id=F-1') => ({ name, place });

describe('saved searches', () => {
  it('reads what it wrote, and leaves out what it never wrote', () => {
    expect(parseSaved(JSON.stringify([one('a'), one('b', 'audit?obp_id=1')]))).to.have.length(2);
    expect(parseSaved(JSON.stringify([one('a', ''), { name: 'b', place: 7 }, { name: 'c' }, 7, null]))).to.deep.equal(
      [],
    );
    expect(parseSaved(JSON.stringify([one(''), one('x'.repeat(41)), one('a', 'x'.repeat(501))]))).to.deep.equal([]);
    for (const broken of [null, '', '{', '{}', '"#/"']) expect(parseSaved(broken)).to.deep.equal([]);
  });

  it('the newest is first, of one name there is one, and there are twenty at most', () => {
    const two = withSaved(withSaved([], one('a')), one('b'));
    expect(two.map(({ name }) => name)).to.deep.equal(['b', 'a']);
    expect(withSaved(two, one('a', 'audit?obp_id=2'))).to.deep.equal([one('a', 'audit?obp_id=2'), one('b')]);
    const many = Array.from({ length: 30 }, (_, index) => one(String(index)));
    expect(many.reduce<readonly ReturnType<typeof one>[]>(withSaved, [])).to.have.length(20);
    expect(withSaved(two, one('c', ''))).to.deep.equal(two);
  });
});
