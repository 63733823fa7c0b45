import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { DirectoryLockedError, lockDirectory, lockHolder } from './lock.ts';

describe('the lock of a data directory', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'flexder-lock-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const refusal = (): DirectoryLockedError => {
    try {
      lockDirectory(directory)();
    } catch (error) {
      return error as DirectoryLockedError;
    }
    throw new Error('the lock was given');
  };

  it('is held once in a process, and free after its return', () => {
    const release = lockDirectory(directory);
    expect(lockHolder(directory)).to.equal(process.pid);
    expect(refusal()).to.be.instanceOf(DirectoryLockedError);
    release();
    release();
    expect(lockHolder(directory)).to.equal(undefined);
    lockDirectory(directory)();
  });

  it('names the process that has it', () => {
    // Process 1 lives as long as the machine does.
    writeFileSync(join(directory, 'flexder.lock'), '1\n\n');
    expect(refusal().message).to.match(/in use by process 1:/);
    expect(lockHolder(directory)).to.equal(1);
  });

  it('is taken over from a process that ended', () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    writeFileSync(join(directory, 'flexder.lock'), `${pid}\n\n`);
    const release = lockDirectory(directory);
    expect(lockHolder(directory)).to.equal(process.pid);
    release();
    expect(existsSync(join(directory, 'flexder.lock'))).to.equal(false);
  });

  it('is taken over when the number of its process was given to another', function () {
    if (!existsSync('/proc/1/stat')) return this.skip();
    writeFileSync(join(directory, 'flexder.lock'), '1\nanother-boot/17\n');
    lockDirectory(directory)();
  });

  it('is taken over when its file says nothing', () => {
    writeFileSync(join(directory, 'flexder.lock'), '');
    lockDirectory(directory)();
  });
});
