import { createHash } from 'node:crypto';
import { expect } from 'chai';
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
      expect(await archive.list('')).to.deep.equal([]);
    });
  }
}
