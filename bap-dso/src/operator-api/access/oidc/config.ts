/** Where the DSO's people sign in with the account they have anyway. */
import { readFileSync } from 'node:fs';
import type { Env } from '../../../environment.ts';
import { OIDC_PRIVATE_HOSTS, OIDC_SECRET_LENGTH } from '../../limits.ts';

export interface OidcConfig {
  /** As it stands in the issuer's tokens, letter by letter. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** The claim of the ID token that says viewer, operator or admin: a text, or a list of texts of which the highest counts. */
  readonly roleClaim: string;
  /** The claim under whose value a person acts. */
  readonly nameClaim: string;
  readonly scope: string;
  /** Hosts of the issuer in a private network, reached all the same: whoever runs the DSO vouches for them. */
  readonly privateHosts?: readonly string[];
}

const PREFIX = 'FLEXDER_BAP_OIDC_';
const VARIABLES = {
  issuer: `${PREFIX}ISSUER`,
  clientId: `${PREFIX}CLIENT_ID`,
  clientSecret: `${PREFIX}CLIENT_SECRET_FILE`,
  roleClaim: `${PREFIX}ROLE_CLAIM`,
  nameClaim: `${PREFIX}NAME_CLAIM`,
  scope: `${PREFIX}SCOPE`,
  privateHosts: `${PREFIX}PRIVATE_HOSTS`,
} as const;
const DEFAULTS = { roleClaim: 'flexder_role', nameClaim: 'preferred_username', scope: 'openid profile' };

/** Undefined where no variable of it is set. Notes problems instead of throwing, and never the secret. */
export function oidcConfig(
  env: Env,
  profile: 'strict' | 'sandbox',
  publicUrl: string | undefined,
  problems: string[],
): OidcConfig | undefined {
  const read = Object.fromEntries(Object.entries(VARIABLES).map(([member, name]) => [member, env[name] || undefined]));
  if (Object.values(read).every((value) => value === undefined)) return undefined;
  for (const member of ['issuer', 'clientId', 'clientSecret'] as const)
    if (!read[member]) problems.push(`${VARIABLES[member]} is missing: signing in with OpenID Connect needs it`);
  const problem = read.issuer && issuerProblem(read.issuer, profile);
  if (problem) problems.push(`${VARIABLES.issuer} ${problem}`);
  if (!publicUrl)
    problems.push(`FLEXDER_BAP_PUBLIC_URL is missing: the issuer of ${VARIABLES.issuer} sends people back there`);
  const scope = read.scope ?? DEFAULTS.scope;
  if (!scope.split(' ').includes('openid')) problems.push(`${VARIABLES.scope} must hold openid`);
  const privateHosts = read.privateHosts ? hostsIn(read.privateHosts, profile, problems) : undefined;
  const clientSecret = read.clientSecret ? secretIn(read.clientSecret, problems) : undefined;
  const own = { scope, clientSecret: clientSecret ?? '', ...(privateHosts && { privateHosts }) };
  return { ...DEFAULTS, ...defined(read), ...own } as OidcConfig;
}

/** By variable, what a configuration has; the secret is left out. */
export function oidcSettings(config: OidcConfig | undefined): Record<string, unknown> {
  if (!config) return {};
  const shown = Object.entries(VARIABLES).filter(([member]) => member !== 'clientSecret');
  return Object.fromEntries(shown.map(([member, name]) => [name, config[member as keyof OidcConfig]]));
}

/** The URL is not repeated: it may hold a password. */
function issuerProblem(url: string, profile: 'strict' | 'sandbox'): string | undefined {
  if (!URL.canParse(url)) return 'is not a URL';
  const { protocol, username, password, search, hash } = new URL(url);
  if (username || password) return 'must not hold credentials';
  if (search || hash) return 'must end with its path';
  if (protocol === 'https:') return undefined;
  if (protocol === 'http:' && profile === 'sandbox') return undefined;
  return 'must begin with https: (plain http is for the sandbox profile: whoever is on the way could sign in as anybody)';
}

/** Names as they stand in URLs, so that none stands for more than one host. */
function hostsIn(text: string, profile: 'strict' | 'sandbox', problems: string[]): readonly string[] {
  const hosts = text.split(',').map((host) => host.trim());
  const wrong = hosts.find((host) => !URL.canParse(`https://${host}`) || new URL(`https://${host}`).hostname !== host);
  if (wrong !== undefined || hosts.length > OIDC_PRIVATE_HOSTS)
    problems.push(
      `${VARIABLES.privateHosts} must be at most ${OIDC_PRIVATE_HOSTS} host names with commas between, in lower case and without port or path`,
    );
  if (profile === 'sandbox')
    problems.push(`${VARIABLES.privateHosts} is for the strict profile: the sandbox reaches this machine alone`);
  return hosts;
}

function secretIn(path: string, problems: string[]): string | undefined {
  const note = (problem: string) => void problems.push(`${VARIABLES.clientSecret}: ${path} ${problem}`);
  let text: string;
  try {
    text = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch {
    return note('cannot be read') as undefined;
  }
  if (text === '' || text.length > OIDC_SECRET_LENGTH)
    return note(`is empty, or longer than ${OIDC_SECRET_LENGTH} characters`) as undefined;
  return text;
}

const defined = (of: Record<string, string | undefined>) =>
  Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined));
