import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { engineLimits } from '../limits.ts';
import { type Archive, ArchiveConflictError } from './port.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (got: Uint8Array | undefined) => (got === undefined ? undefined : Buffer.from(got).toString());

/** What every archive adapter must do. `reopen` opens the same archive again. */
export function archiveConformance(open: () => Promise<Archive>, reopen: () => Promise<Archive>): void {
  let archive: Archive;
  beforeEach(async () => {
    archive = await open();
  });
  afterEach(() => archive.close());

  it('gives back what was put in, also after a reopening', async () => {
    const content = new Uint8Array(100_000).map((_, index) => index % 251);
    const { sha256 } = await archive.put('audit/2026/checkpoint-1.json', content);
    expect(sha256).to.equal(createHash('sha256').update(content).digest('hex'));
    expect(Buffer.from((await archive.get('audit/2026/checkpoint-1.json')) ?? []).equals(content)).to.equal(true);
    const again = await reopen();
    expect((await again.get('audit/2026/checkpoint-1.json'))?.length).to.equal(100_000);
    await again.close();
  });

  it('never replaces an object, and takes the same bytes again', async () => {
    await archive.put('a', bytes('first'));
    expect(await archive.put('a', bytes('first'))).to.have.property('sha256');
    expect(await archive.put('a', bytes('other')).catch((error) => error)).to.be.instanceOf(ArchiveConflictError);
    expect(await archive.put('a', bytes('')).catch((error) => error)).to.be.instanceOf(ArchiveConflictError);
    expect(text(await archive.get('a'))).to.equal('first');
    expect(await archive.list('')).to.deep.equal(['a']);
  });

  it('lets one of many writers of a key win', async () => {
    const writers = Array.from({ length: 10 }, (_, index) =>
      archive.put('race', bytes(`writer ${index}`)).then(
        () => index,
        (error) => error,
      ),
    );
    const results = await Promise.all(writers);
    const winners = results.filter((result) => typeof result === 'number');
    expect(winners).to.have.length(1);
    expect(results.filter((result) => result instanceof ArchiveConflictError)).to.have.length(9);
    expect(text(await archive.get('race'))).to.equal(`writer ${winners[0]}`);
  });

  it('lets one writer win also when they do not know of each other, for one key after the other', async () => {
    const other = await reopen();
    for (const key of ['race/1', 'race/2', 'race/3', 'race/4', 'race/5']) {
      const results = await Promise.allSettled(
        [archive, other, archive, other].map((one, index) => one.put(key, bytes(`writer ${index}`))),
      );
      const winners = results.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
      expect(winners, key).to.have.length(1);
      for (const one of [archive, other]) expect(text(await one.get(key)), key).to.equal(`writer ${winners[0]}`);
      expect(await archive.put(key, bytes(`writer ${winners[0]}`)), key).to.have.property('sha256');
    }
    await other.close();
  });

  it('takes the same bytes from many writers at once', async () => {
    const results = await Promise.all(Array.from({ length: 10 }, () => archive.put('same', bytes('the same'))));
    expect(new Set(results.map(({ sha256 }) => sha256)).size).to.equal(1);
    expect(await archive.list('')).to.deep.equal(['same']);
  });

  it('keeps an object of no bytes, and gives it back as one', async () => {
    await archive.put('empty', bytes(''));
    expect((await archive.get('empty'))?.length).to.equal(0);
    expect(await archive.put('empty', bytes('x')).catch((error) => error)).to.be.instanceOf(ArchiveConflictError);
  });

  it('keeps what it was given, whatever becomes of the buffer', async () => {
    const given = bytes('as it was');
    await archive.put('buffer', given);
    given.fill(0);
    (await archive.get('buffer'))?.fill(0);
    expect(text(await archive.get('buffer'))).to.equal('as it was');
  });

  it('refuses an object that is too large, before it is anywhere', async () => {
    const large = new Uint8Array(engineLimits.archiveObjectBytes + 1);
    const error = await archive.put('large', large).catch((reason) => reason);
    expect(error).to.be.instanceOf(RangeError);
    expect(error.message).to.contain('large has').and.contain(String(engineLimits.archiveObjectBytes));
    expect(await archive.list('')).to.deep.equal([]);
  });

  it('lists more keys than fit on one page', async () => {
    const keys = Array.from({ length: 23 }, (_, index) => `many/${String(index).padStart(3, '0')}`);
    for (const key of keys.toReversed()) await archive.put(key, bytes(key));
    expect(await archive.list('many/')).to.deep.equal(keys);
    expect(await archive.list('many/01')).to.deep.equal(keys.slice(10, 20));
  });

  it('lists the keys below a prefix, sorted', async () => {
    for (const key of ['b/2', 'a/x/2', 'a/1', 'a/x/1', 'ab/1']) await archive.put(key, bytes(key));
    expect(await archive.list('')).to.deep.equal(['a/1', 'a/x/1', 'a/x/2', 'ab/1', 'b/2']);
    expect(await archive.list('a/')).to.deep.equal(['a/1', 'a/x/1', 'a/x/2']);
    expect(await archive.list('a')).to.deep.equal(['a/1', 'a/x/1', 'a/x/2', 'ab/1']);
    expect(await archive.list('a/x/1')).to.deep.equal(['a/x/1']);
    expect(await archive.list('none/')).to.deep.equal([]);
  });

  it('says undefined of what is not there', async () => {
    expect(await archive.get('none')).to.equal(undefined);
    expect(await archive.get('none/at/all')).to.equal(undefined);
  });

  for (const key of [
    '',
    '/a',
    'a/',
    'a//b',
    '..',
    '../a',
    'a/../b',
    './a',
    '.tmp/a',
    'a/.hidden',
    'a\\b',
    'a\u0000',
    'a\nb',
    'a b',
    'ü',
    'x'.repeat(600),
  ]) {
    it(`refuses the key ${JSON.stringify(key.slice(0, 20))}`, async () => {
      expect(await archive.put(key, bytes('x')).catch((error) => error)).to.be.instanceOf(TypeError);
      expect(await archive.get(key).catch((error) => error)).to.be.instanceOf(TypeError);
      // A prefix may be empty or end in "/".
      if (key !== '' && key !== 'a/')
        expect(await archive.list(key).catch((error) => error)).to.be.instanceOf(TypeError);
      expect(await archive.list('')).to.deep.equal([]);
    });
  }
}
