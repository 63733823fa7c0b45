/** The issuer as the DSO asks it, over the bounded outbound of the context. Tokens are checked by openid-client. */
import type { Context } from '@flexder/runtime/context.ts';
import { ForbiddenAddressError, OutboundError, type OutboundPolicy } from '@flexder/runtime/http/outbound.ts';
import * as client from 'openid-client';
import { OIDC_ANSWER_BYTES, OIDC_ANSWER_MS } from '../../limits.ts';
import type { OidcConfig } from './config.ts';
import type { PendingSignIn } from './pending.ts';

export type OidcCode = 'OIDC_UNREACHABLE' | 'OIDC_STATE' | 'OIDC_DENIED' | 'OIDC_TOKEN' | 'OIDC_ROLE' | 'OIDC_NAME';

/** Why nobody was signed in; the message is for the record and the log, never for a stranger. */
export class OidcError extends Error {
  override name = 'OidcError';
  readonly code: OidcCode;
  constructor(code: OidcCode, message: string) {
    super(message);
    this.code = code;
  }
}

export interface SignedIn {
  readonly claims: Readonly<Record<string, unknown>>;
  /** Named again when signing out, so that the issuer knows whose session ends. */
  readonly idToken: string;
}

export interface Issuer {
  /** Where a browser is sent to sign in. Throws OidcError. */
  authorizationUrl(signIn: PendingSignIn): Promise<URL>;
  /** Exchanges the code of `answer`, the query that came back. Throws OidcError. */
  exchange(answer: URLSearchParams, signIn: PendingSignIn): Promise<SignedIn>;
  /** Where a browser signs out at the issuer; undefined where it has no such address, or is away. */
  endSessionUrl(idToken: string): Promise<URL | undefined>;
}

/** `publicUrl`: of the DSO, under which people reach it. */
export function createIssuer(
  { http, log }: Pick<Context, 'http' | 'log'>,
  config: OidcConfig,
  publicUrl: string,
  profile: OutboundPolicy['profile'],
): Issuer {
  const redirectUri = callbackUrl(publicUrl);
  const vouchedHosts = new Set(config.privateHosts);
  const allow: OutboundPolicy = { profile, sandboxOrigins: new Set([new URL(config.issuer).origin]), vouchedHosts };
  if (vouchedHosts.size > 0)
    log.warn(
      { hosts: config.privateHosts },
      'signing in may call these hosts at addresses that are not public: FLEXDER_BAP_OIDC_PRIVATE_HOSTS',
    );
  let known: client.Configuration | undefined;

  /** Asked when it is first needed, so that an issuer that is away keeps nobody else out; kept once it has answered. */
  async function issuer(): Promise<client.Configuration> {
    if (known) return known;
    const execute = [client.enableNonRepudiationChecks];
    if (new URL(config.issuer).protocol === 'http:') execute.push(client.allowInsecureRequests);
    const { issuer, clientId, clientSecret } = config;
    const options = { execute, [client.customFetch]: bounded(http, allow) };
    known = await client.discovery(new URL(issuer), clientId, {}, client.ClientSecretPost(clientSecret), options);
    return known;
  }

  return {
    async authorizationUrl({ state, nonce, codeVerifier }) {
      const found = await issuer().catch((error: unknown) => Promise.reject(asOidcError(error)));
      return client.buildAuthorizationUrl(found, {
        redirect_uri: redirectUri,
        scope: config.scope,
        ...{ state, nonce, code_challenge_method: 'S256' },
        code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
      });
    },
    async exchange(answer, { state, nonce, codeVerifier }) {
      const url = new URL(redirectUri);
      url.search = answer.toString();
      try {
        const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: codeVerifier };
        const tokens = await client.authorizationCodeGrant(await issuer(), url, { ...checks, idTokenExpected: true });
        return { claims: tokens.claims() ?? {}, idToken: tokens.id_token ?? '' };
      } catch (error) {
        throw asOidcError(error);
      }
    },
    async endSessionUrl(idToken) {
      const found = await issuer().catch(() => undefined);
      if (!found?.serverMetadata().end_session_endpoint) return undefined;
      const after = { post_logout_redirect_uri: new URL('/', publicUrl).href, id_token_hint: idToken };
      return client.buildEndSessionUrl(found, after);
    },
  };
}

/** Of the way back: what has to be registered with the issuer. */
export function callbackUrl(publicUrl: string): string {
  return new URL('/api/v1/session/oidc/callback', publicUrl).href;
}

function bounded(http: Context['http'], allow: OutboundPolicy): client.CustomFetch {
  return async (url, { method, headers, body }) => {
    const answer = await http.request(url, {
      method: method === 'POST' ? 'POST' : 'GET',
      headers,
      ...(body !== undefined && body !== null && { body: String(body) }),
      ...{ timeoutMs: OIDC_ANSWER_MS, maxResponseBytes: OIDC_ANSWER_BYTES, allow },
    });
    return new Response(Buffer.from(answer.body), { status: answer.status, headers: answer.headers });
  };
}

function asOidcError(error: unknown): OidcError {
  const cause = causeOf(error);
  if (cause instanceof OutboundError || cause instanceof ForbiddenAddressError)
    return new OidcError('OIDC_UNREACHABLE', cause.message);
  const { code, message, error: answer } = error as { code?: string; message: string; error?: string };
  if (error instanceof client.AuthorizationResponseError)
    return new OidcError('OIDC_DENIED', `the issuer answered ${answer}`);
  if (error instanceof client.ResponseBodyError)
    return new OidcError('OIDC_TOKEN', `the issuer refused the code: ${answer}`);
  if (/"state"/.test(deepest(error))) return new OidcError('OIDC_STATE', deepest(error));
  return new OidcError('OIDC_TOKEN', `${message}${code ? ` (${code})` : ''}: ${deepest(error)}`);
}

function causeOf(error: unknown): unknown {
  const { cause } = error as { cause?: unknown };
  return cause instanceof Error && !(error instanceof OutboundError) ? causeOf(cause) : error;
}

const deepest = (error: unknown): string => (causeOf(error) as Error).message;
