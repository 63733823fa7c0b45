import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { oidcConfig, oidcSettings } from './config.ts';

const SECRET = 'a-secret-that-nobody-shows';

describe('settings of signing in with OpenID Connect', () => {
  let folder: string;
  let env: Record<string, string>;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'flexder-'));
    writeFileSync(join(folder, 'secret'), `${SECRET}\n`);
    writeFileSync(join(folder, 'empty'), '\n');
    env = {
      FLEXDER_BAP_OIDC_ISSUER: 'https://login.example.org/realms/dso',
      FLEXDER_BAP_OIDC_CLIENT_ID: 'flexder',
      FLEXDER_BAP_OIDC_CLIENT_SECRET_FILE: join(folder, 'secret'),
    };
  });
  after(() => rmSync(folder, { recursive: true }));

  function problemsOf(
    more: Record<string, string> = {},
    profile: 'strict' | 'sandbox' = 'strict',
    url = 'https://dso.example',
  ) {
    const problems: string[] = [];
    const config = oidcConfig({ ...env, ...more }, profile, url || undefined, problems);
    return { problems, config };
  }

  it('has defaults for all but issuer, client and secret, and is off without any', () => {
    const { problems, config } = problemsOf();
    expect(problems).to.deep.equal([]);
    expect(config).to.include({ clientSecret: SECRET, roleClaim: 'flexder_role', nameClaim: 'preferred_username' });
    expect(JSON.stringify(oidcSettings(config)))
      .to.contain('login.example.org')
      .and.not.contain(SECRET);
    expect(oidcConfig({ FLEXDER_BAP_OIDC_ISSUER: '' }, 'strict', undefined, problems)).to.equal(undefined);
  });

  it('takes hosts of a private network that somebody vouches for, by name alone and under the strict profile', () => {
    const hosts = (text: string, profile?: 'strict' | 'sandbox') =>
      problemsOf({ FLEXDER_BAP_OIDC_PRIVATE_HOSTS: text }, profile);
    const { problems, config } = hosts('login.corp, 10.1.2.3');
    expect([problems, config?.privateHosts]).to.deep.equal([[], ['login.corp', '10.1.2.3']]);
    expect(problemsOf().config).to.not.have.property('privateHosts');
    for (const wrong of ['https://login.corp', 'login.corp:8443', '*.corp/x', 'Login.corp', 'a,,b'])
      expect(hosts(wrong).problems.join(), wrong).to.match(/PRIVATE_HOSTS must be at most 8 host names/);
    expect(hosts('login.corp', 'sandbox').problems.join()).to.contain('is for the strict profile');
  });

  it('says what is wrong, each by its variable, and never the secret', () => {
    const cases: [Record<string, string>, string, string?][] = [
      [{ FLEXDER_BAP_OIDC_ISSUER: 'http://login.example.org' }, 'FLEXDER_BAP_OIDC_ISSUER must begin with https:'],
      [{ FLEXDER_BAP_OIDC_ISSUER: 'https://a:b@login.example.org' }, 'must not hold credentials'],
      [{ FLEXDER_BAP_OIDC_ISSUER: 'login' }, 'FLEXDER_BAP_OIDC_ISSUER is not a URL'],
      [{ FLEXDER_BAP_OIDC_CLIENT_ID: '' }, 'FLEXDER_BAP_OIDC_CLIENT_ID is missing'],
      [{ FLEXDER_BAP_OIDC_CLIENT_SECRET_FILE: join(folder, 'none') }, 'cannot be read'],
      [{ FLEXDER_BAP_OIDC_CLIENT_SECRET_FILE: join(folder, 'empty') }, 'is empty'],
      [{ FLEXDER_BAP_OIDC_SCOPE: 'profile' }, 'FLEXDER_BAP_OIDC_SCOPE must hold openid'],
      [{}, 'FLEXDER_BAP_PUBLIC_URL is missing', ''],
    ];
    for (const [more, said, url] of cases) {
      const { problems } = problemsOf(more, 'strict', url);
      expect(problems, said).to.have.length(1);
      expect(problems[0]).to.contain(said).and.not.contain(SECRET);
    }
    expect(problemsOf({ FLEXDER_BAP_OIDC_ISSUER: 'http://127.0.0.1:9' }, 'sandbox').problems).to.deep.equal([]);
  });
});
