import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tokenSha256 } from '@flexder/runtime/access/people.ts';
import type { Outbound } from '@flexder/runtime/http/outbound.ts';
import { createOutbound } from '@flexder/runtime/http/safe-outbound.ts';
import { expect } from 'chai';
import express from 'express';
import { decodeJwt, type JWTPayload } from 'jose';
import { DSO, type Opened, opened } from '../../../audit-settlement/fixtures/opened.ts';
import type { BapConfig } from '../../../config.ts';
import { createOperatorApi, type OperatorApi } from '../../router.ts';
import { createIssuer, type OidcError } from './issuer.ts';
import { CLIENT, startProvider, type TestProvider } from './provider.fixture.ts';

const OLGA = { preferred_username: 'olga@dso.example', flexder_role: 'operator' };

/** Cookies of one browser, by origin; it follows redirects until it is back at a page. */
class Browser {
  readonly #jars = new Map<string, Map<string, string>>();
  readonly visited: string[] = [];

  async open(url: string, until: (url: URL) => boolean = () => false): Promise<{ url: URL; response: Response }> {
    let next = new URL(url);
    for (let step = 0; step < 12; step++) {
      this.visited.push(next.href);
      const response = await fetch(next, { redirect: 'manual', headers: { cookie: this.cookies(next) } });
      const jar = this.#jars.get(next.origin) ?? new Map<string, string>();
      this.#jars.set(next.origin, jar);
      for (const line of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
        if (value === '') jar.delete(name!);
        else jar.set(name!, value!);
      }
      const location = response.headers.get('location');
      if (location === null) return { url: next, response };
      next = new URL(location, next);
      if (until(next)) return { url: next, response };
    }
    throw new Error(`it goes round in circles: ${this.visited.join(' ')}`);
  }

  cookies(url: URL): string {
    return [...(this.#jars.get(url.origin) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ');
  }
}

describe('signing in with OpenID Connect', () => {
  let dso: Opened;
  let api: OperatorApi;
  let server: Server;
  let url: string;
  let provider: TestProvider;
  let http: Outbound;
  /** Stands on the way from the issuer: what the ID token says instead. */
  let altered: ((claims: JWTPayload) => JWTPayload) | undefined;
  let isAway = false;

  before(async () => {
    dso = await opened();
    http = createOutbound({ wall: dso.context.wall });
    const app = express();
    await new Promise<void>((resolve) => {
      server = app.listen(0, '127.0.0.1', () => resolve());
    });
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    provider = await startProvider(url);
    const oidc = {
      ...{ issuer: provider.issuer, ...CLIENT, roleClaim: 'flexder_role', nameClaim: 'preferred_username' },
      scope: 'openid profile',
    };
    const operators = [{ name: 'ada', role: 'admin', tokenSha256: tokenSha256('token-of-ada') }];
    const config = {
      ...dso.config,
      subscriberId: DSO,
      viewing: 'login',
      networkProfile: 'sandbox',
      operators,
    } as object;
    const context = { ...dso.context, http: { ...http, request } };
    api = createOperatorApi({
      ...{ ...dso, context, feeders: () => [] },
      config: { ...config, oidc, publicUrl: url } as unknown as BapConfig,
    });
    app.use(api);
  });
  after(async () => {
    await api?.close();
    await provider?.close();
    await http?.close();
    server?.closeAllConnections();
    server?.close();
    await dso?.close();
  });
  beforeEach(() => {
    provider.account = { sub: 'subject-1', claims: OLGA };
    provider.denies = false;
    altered = undefined;
    isAway = false;
  });

  const request: Outbound['request'] = async (to, options) => {
    const answer = await http.request(isAway ? 'http://127.0.0.1:9/' : to, {
      ...options,
      ...(isAway && { allow: { ...options.allow, sandboxOrigins: new Set(['http://127.0.0.1:9']) } }),
    });
    if (!altered || !to.endsWith('/token') || answer.status !== 200) return answer;
    const tokens = JSON.parse(Buffer.from(answer.body).toString()) as { id_token: string };
    const id_token = await provider.sign(altered(decodeJwt(tokens.id_token)));
    return { ...answer, body: Buffer.from(JSON.stringify({ ...tokens, id_token })) };
  };
  const isCallback = ({ pathname }: URL) => pathname.endsWith('/callback');
  const signIn = (browser = new Browser()) => browser.open(`${url}/api/v1/session/oidc`);
  const refusedWith = ({ url }: { url: URL }) => url.hash.split('refused=')[1];
  const whoIs = async (browser: Browser) =>
    (await (await browser.open(`${url}/api/v1/session`)).response.json()) as Record<string, string>;
  async function newest(): Promise<Record<string, string>> {
    await dso.participant.audit.sealNow();
    const rows = await dso.db.selectFrom('audit_record').select('record').orderBy('seq', 'desc').limit(1).execute();
    return rows[0]!.record as never;
  }

  it('tells the page where, sends code, PKCE, state and nonce, and gives the role of the claim', async () => {
    const browser = new Browser();
    expect(await whoIs(browser)).to.deep.equal({ name: null, role: null, signInAt: '/api/v1/session/oidc' });
    const back = await signIn(browser);
    expect([back.url.pathname, back.url.hash]).to.deep.equal(['/', '']);
    const asked = new URL(browser.visited.find((visited) => visited.startsWith(`${provider.issuer}/auth`))!);
    expect(asked.searchParams.get('code_challenge_method')).to.equal('S256');
    for (const name of ['state', 'nonce', 'code_challenge'])
      expect(asked.searchParams.get(name), name).to.match(/^[\w-]{43}$/);
    expect(await whoIs(browser)).to.include({ name: OLGA.preferred_username, role: 'operator' });
    const record = await newest();
    expect(record).to.include({ event_type: 'operator.signed-in', actor_id: OLGA.preferred_username });
    expect(record.decision).to.equal(`as operator, by ${provider.issuer} subject subject-1`);
  });

  it('a list of roles gives the highest, and other members of it give nothing', async () => {
    provider.account = { sub: 's', claims: { ...OLGA, flexder_role: ['staff', 'viewer', 'operator', 'root'] } };
    const browser = new Browser();
    await signIn(browser);
    expect(await whoIs(browser)).to.include({ role: 'operator' });
  });

  it('keeps the cookie of the session from scripts and other sites, and signs out here and at the issuer', async () => {
    const browser = new Browser();
    const at = await browser.open(`${url}/api/v1/session/oidc`, isCallback);
    const answer = await fetch(at.url, { redirect: 'manual', headers: { cookie: browser.cookies(at.url) } });
    const cookies = answer.headers.getSetCookie();
    expect(cookies.find((line) => line.startsWith('flexder_session='))).to.match(
      /; Path=\/api; .*HttpOnly; SameSite=Strict$/,
    );
    const cookie = cookies.find((line) => line.startsWith('flexder_session='))!.split(';')[0]!;
    const { csrf } = (await (await fetch(`${url}/api/v1/session`, { headers: { cookie } })).json()) as { csrf: string };
    const out = (headers: Record<string, string>) =>
      fetch(`${url}/api/v1/session`, { method: 'DELETE', headers: { cookie, ...headers } });
    expect((await out({})).status).to.equal(403);
    const done = (await (await out({ 'x-csrf-token': csrf })).json()) as { signOutAt: string };
    const away = new URL(done.signOutAt);
    expect(away.origin).to.equal(provider.issuer);
    expect(away.searchParams.get('post_logout_redirect_uri')).to.equal(`${url}/`);
    const after = await fetch(`${url}/api/v1/session`, { headers: { cookie } });
    expect(await after.json()).to.include({ name: null });
  });

  it('a state that this browser did not begin with signs nobody in', async () => {
    const browser = new Browser();
    const at = await browser.open(`${url}/api/v1/session/oidc`, isCallback);
    at.url.searchParams.set('state', 'x'.repeat(43));
    expect(refusedWith(await browser.open(at.url.href))).to.equal('OIDC_STATE');
    expect((await newest()).decision).to.contain('unexpected "state"');
    expect(await whoIs(browser)).to.include({ name: null });
  });

  it('an answer that another browser asked for signs nobody in, nor one that comes twice', async () => {
    const [victim, attacker] = [new Browser(), new Browser()];
    const at = await attacker.open(`${url}/api/v1/session/oidc`, isCallback);
    expect(refusedWith(await victim.open(at.url.href))).to.equal('OIDC_STATE');
    expect(await whoIs(victim)).to.include({ name: null });
    expect((await attacker.open(at.url.href)).url.hash).to.equal('');
    expect(refusedWith(await attacker.open(at.url.href))).to.equal('OIDC_STATE');
  });

  it('a code that was used already is refused, by the issuer', async () => {
    const [first, second] = [new Browser(), new Browser()];
    const used = await first.open(`${url}/api/v1/session/oidc`, isCallback);
    await first.open(used.url.href);
    const at = await second.open(`${url}/api/v1/session/oidc`, isCallback);
    at.url.searchParams.set('code', used.url.searchParams.get('code')!);
    expect(refusedWith(await second.open(at.url.href))).to.equal('OIDC_TOKEN');
    expect((await newest()).decision).to.contain('the issuer refused the code: invalid_grant');
  });

  const seconds = () => Math.floor(Date.now() / 1000);
  const ATTACKS: readonly [string, (claims: JWTPayload) => JWTPayload, RegExp | undefined][] = [
    ['the same token signed anew', (claims) => claims, undefined],
    ['another issuer', (claims) => ({ ...claims, iss: 'http://127.0.0.1:1' }), /"iss"/],
    ['another audience', (claims) => ({ ...claims, aud: 'another-client' }), /"aud"/],
    ['an end that is past', (claims) => ({ ...claims, exp: seconds() - 3_600 }), /"exp"/],
    ['another nonce', (claims) => ({ ...claims, nonce: 'x'.repeat(43) }), /"nonce"/],
    ['no subject', ({ sub: _, ...claims }) => claims, /"sub"/],
  ];
  for (const [what, alter, reason] of ATTACKS) {
    it(`${reason ? 'refuses a token with' : 'takes'} ${what}`, async () => {
      altered = alter;
      const browser = new Browser();
      expect(refusedWith(await signIn(browser))).to.equal(reason ? 'OIDC_TOKEN' : undefined);
      expect((await whoIs(browser)).name).to.equal(reason ? null : OLGA.preferred_username);
      if (reason) expect((await newest()).decision).to.match(reason);
    });
  }

  it('a token that the issuer did not sign is refused', async () => {
    const own = provider.sign;
    const other = await startProvider(url);
    Object.assign(provider, { sign: other.sign });
    altered = (claims) => claims;
    expect(refusedWith(await signIn())).to.equal('OIDC_TOKEN');
    expect((await newest()).decision).to.contain('signature');
    Object.assign(provider, { sign: own });
    await other.close();
  });

  it('without a role or a name of its own there is no way in, and the record says why', async () => {
    const cases = [
      [{ preferred_username: 'olga' }, 'OIDC_ROLE', 'gives none of viewer, operator, admin'],
      [{ ...OLGA, flexder_role: 'Operator' }, 'OIDC_ROLE', 'gives none of'],
      [{ flexder_role: 'operator' }, 'OIDC_NAME', 'preferred_username holds no name'],
      [{ ...OLGA, preferred_username: '<b>olga</b>' }, 'OIDC_NAME', 'holds no name'],
      [{ ...OLGA, preferred_username: 'ada' }, 'OIDC_NAME', 'somebody who signs in by token'],
    ] as const;
    for (const [claims, code, why] of cases) {
      provider.account = { sub: 's', claims };
      const browser = new Browser();
      expect(refusedWith(await signIn(browser)), why).to.equal(code);
      expect(await newest()).to.include({ event_type: 'operator.refused', code });
      expect((await newest()).decision).to.contain(why);
      expect(await whoIs(browser)).to.include({ name: null });
    }
  });

  it('says that the issuer said no', async () => {
    provider.denies = true;
    expect(refusedWith(await signIn())).to.equal('OIDC_DENIED');
  });

  it('says that the issuer is away, on the way back; tokens go on, and it is asked anew', async () => {
    const browser = new Browser();
    const at = await browser.open(`${url}/api/v1/session/oidc`, isCallback);
    isAway = true;
    expect(refusedWith(await browser.open(at.url.href))).to.equal('OIDC_UNREACHABLE');
    expect((await newest()).decision).to.contain('127.0.0.1:9');
    const token = await fetch(`${url}/api/v1/feeders`, { headers: { authorization: 'Bearer token-of-ada' } });
    expect(token.status).to.equal(200);
    isAway = false;
    expect((await signIn(browser)).url.hash).to.equal('');
  });

  it('an issuer in a private network is called where somebody vouches for its host, and not otherwise', async () => {
    const nearby = createOutbound({
      wall: dso.context.wall,
      resolve: async () => [{ address: '127.0.0.1', family: 4 }],
    });
    const config = {
      ...{ issuer: 'https://login.corp:9', ...CLIENT, scope: 'openid' },
      ...{ roleClaim: 'role', nameClaim: 'name' },
    };
    const signIn = { id: 'i', state: 's', nonce: 'n', codeVerifier: 'v', begunMs: 0 };
    const said: object[] = [];
    const log = { warn: (of: object) => void said.push(of) } as unknown as Opened['context']['log'];
    const outcome = (privateHosts?: readonly string[]) =>
      createIssuer({ http: nearby, log }, { ...config, ...(privateHosts && { privateHosts }) }, url, 'strict')
        .authorizationUrl(signIn)
        .catch((error: unknown) => error as OidcError);
    const refused = (await outcome()) as OidcError;
    expect([refused.code, said]).to.deep.equal(['OIDC_UNREACHABLE', []]);
    expect(refused.message).to.contain('the name is not a public one');
    const called = (await outcome(['login.corp'])) as OidcError;
    expect(called.code).to.equal('OIDC_UNREACHABLE');
    expect(called.message, 'nobody listens there').to.contain('ECONNREFUSED');
    expect(said).to.deep.equal([{ hosts: ['login.corp'] }]);
    await nearby.close();
  });
});
