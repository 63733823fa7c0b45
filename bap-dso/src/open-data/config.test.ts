import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { DEFAULT_BASE_URLS, openDataConfig } from './config.ts';

function read(env: Record<string, string>, profile: 'strict' | 'sandbox' = 'strict') {
  const problems: string[] = [];
  return { config: openDataConfig(env, profile, problems), problems };
}

describe('configuration of open data', () => {
  it('is off, at the real addresses, without a key', () => {
    expect(read({})).to.deep.equal({
      config: { enabled: false, baseUrls: DEFAULT_BASE_URLS, ukpnKey: undefined },
      problems: [],
    });
    expect(read({ FLEXDER_OPEN_DATA: 'on' }).config.enabled).to.equal(true);
  });

  it('names what is wrong without repeating what may be secret', () => {
    const { problems } = read({
      FLEXDER_OPEN_DATA: 'yes',
      FLEXDER_OPEN_DATA_UKPN_KEY: 'two words',
      FLEXDER_OPEN_DATA_NESO_URL: 'https://me:s3cret@neso.example',
      FLEXDER_OPEN_DATA_ELEXON_URL: 'http://127.0.0.1:9',
      FLEXDER_OPEN_DATA_UKPM_URL: 'x',
    });
    expect(problems).to.have.length(5);
    expect(problems.join()).to.not.include('s3cret').and.not.include('two words');
    expect(problems).to.include('FLEXDER_OPEN_DATA_UKPM_URL is no variable of open data');
  });

  it('plain http is for the sandbox', () => {
    const env = { FLEXDER_OPEN_DATA_ELEXON_URL: 'http://127.0.0.1:9' };
    expect(read(env, 'sandbox').problems).to.deep.equal([]);
    expect(read(env).problems[0]).to.match(/^FLEXDER_OPEN_DATA_ELEXON_URL must begin with https:/);
  });

  it('a key may come from a file, but not from both', () => {
    const folder = mkdtempSync(join(tmpdir(), 'flexder-key-'));
    try {
      const file = join(folder, 'key');
      writeFileSync(file, 'abc123\n');
      expect(read({ FLEXDER_OPEN_DATA_UKPN_KEY_FILE: file }).config.ukpnKey).to.equal('abc123');
      expect(read({ FLEXDER_OPEN_DATA_UKPN_KEY_FILE: file, FLEXDER_OPEN_DATA_UKPN_KEY: 'x' }).problems[0]).to.match(
        /^set one of/,
      );
      expect(read({ FLEXDER_OPEN_DATA_UKPN_KEY_FILE: join(folder, 'no') }).problems[0]).to.match(/cannot be read/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
