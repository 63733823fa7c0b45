/** A real OpenID provider, by other authors than the client's, on a loopback port; everybody who comes is signed in. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import type { Configuration } from 'oidc-provider';

/** It says at length that it is not set up for production, which a test knows. */
for (const level of ['info', 'warn'] as const) {
  const say = console[level].bind(console);
  console[level] = (...said: unknown[]) => String(said[0]).startsWith('oidc-provider ') || say(...said);
}
const { Provider } = await import('oidc-provider');

export const CLIENT = { clientId: 'flexder-dso', clientSecret: 'a-secret-of-the-client-and-the-issuer' };

export interface TestProvider {
  readonly issuer: string;
  /** Who signs in next, and what their claims are. */
  account: { readonly sub: string; readonly claims: Readonly<Record<string, unknown>> };
  /** The issuer's answer is no. */
  denies: boolean;
  /** An ID token as the issuer signs it, of whatever claims. */
  sign(claims: JWTPayload): Promise<string>;
  close(): Promise<void>;
}

/** `publicUrl`: of the DSO; `host`: under which browsers see the issuer. */
export async function startProvider(publicUrl: string, host = '127.0.0.1'): Promise<TestProvider> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid: 'signing', alg: 'RS256', use: 'sig' };
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://${host}:${(server.address() as AddressInfo).port}`;
  const test: TestProvider = {
    issuer,
    account: { sub: 'subject-1', claims: {} },
    denies: false,
    sign: (claims) => new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'signing' }).sign(privateKey),
    close: () => closed(server),
  };
  const provider = new Provider(issuer, configuration(publicUrl, jwk, test));
  const serve = provider.callback();
  server.on('request', (request, response) => {
    if (!request.url?.startsWith('/interaction/')) return void serve(request, response);
    const result = test.denies
      ? { error: 'access_denied', error_description: 'no' }
      : { login: { accountId: test.account.sub } };
    provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false }).catch(() => {
      response.destroy();
    });
  });
  return test;
}

function configuration(publicUrl: string, jwk: object, test: TestProvider): Configuration {
  return {
    clients: [
      {
        client_id: CLIENT.clientId,
        client_secret: CLIENT.clientSecret,
        redirect_uris: [`${publicUrl}/api/v1/session/oidc/callback`],
        post_logout_redirect_uris: [`${publicUrl}/`],
        response_types: ['code'],
        grant_types: ['authorization_code'],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    claims: { profile: ['preferred_username', 'flexder_role'] },
    conformIdTokenClaims: false,
    cookies: { keys: ['a-key-of-this-test'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    jwks: { keys: [jwk as never] },
    pkce: { required: () => true },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, ...test.account.claims }) }),
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({ clientId: oidc.client!.clientId, accountId: oidc.session!.accountId! });
      grant.addOIDCScope('openid profile');
      await grant.save();
      return grant;
    },
  };
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
