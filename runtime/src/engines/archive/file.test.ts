import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { systemIds } from '../../context.ts';
import { removeTestFolders, testFolder } from '../../testing/engine.ts';
import { archiveConformance } from './conformance.ts';
import { fileArchive } from './file.ts';

describe('archive file', () => {
  let root: string;
  const fresh = () => {
    root = testFolder('archive');
    return fileArchive(root, systemIds());
  };
  afterEach(removeTestFolders);

  archiveConformance(fresh, () => fileArchive(root, systemIds()));

  it('leaves read-only files and nothing beside them', async () => {
    const archive = await fresh();
    await archive.put('a/b', new Uint8Array([1]));
    await archive.put('a/b', new Uint8Array([2])).catch(() => {});
    expect(statSync(join(root, 'a/b')).mode & 0o777).to.equal(0o444);
    expect(readdirSync(join(root, '.tmp'))).to.deep.equal([]);
  });

  it('clears away what a crash left unfinished', async () => {
    await fresh();
    writeFileSync(join(root, '.tmp', 'half'), 'x');
    const archive = await fileArchive(root, systemIds());
    expect(readdirSync(join(root, '.tmp'))).to.deep.equal([]);
    expect(await archive.list('')).to.deep.equal([]);
  });

  it('does not take a folder for an object', async () => {
    const archive = await fresh();
    await archive.put('a/b', new Uint8Array([1]));
    const error = await archive.put('a', new Uint8Array([1])).catch((reason) => reason);
    expect(error).to.be.instanceOf(Error);
    expect(await archive.list('')).to.deep.equal(['a/b']);
  });
});
