/** Where open data comes from. Read from the environment of the DSO, or from the options of `flexder data`. */
import { readFileSync, statSync } from 'node:fs';
import { KEY_FILE_BYTES } from './limits.ts';

export const SOURCES = ['ukpn', 'neso', 'elexon', 'carbon'] as const;
export type SourceId = (typeof SOURCES)[number];

export interface OpenDataConfig {
  readonly enabled: boolean;
  readonly baseUrls: Readonly<Record<SourceId, string>>;
  /** Key of the portal of UK Power Networks; most of its data sets need one. */
  readonly ukpnKey: string | undefined;
}

export const DEFAULT_BASE_URLS: Readonly<Record<SourceId, string>> = {
  ukpn: 'https://ukpowernetworks.opendatasoft.com/api/explore/v2.1',
  neso: 'https://api.neso.energy/api/3/action',
  elexon: 'https://data.elexon.co.uk/bmrs/api/v1',
  carbon: 'https://api.carbonintensity.org.uk',
};

export const OPEN_DATA_OFF: OpenDataConfig = { enabled: false, baseUrls: DEFAULT_BASE_URLS, ukpnKey: undefined };

type Env = Readonly<Record<string, string | undefined>>;
const PREFIX = 'FLEXDER_OPEN_DATA';
const urlVariable = (source: SourceId) => `${PREFIX}_${source.toUpperCase()}_URL`;
const KEY = `${PREFIX}_UKPN_KEY`;
const KEY_FILE = `${PREFIX}_UKPN_KEY_FILE`;
const KNOWN = new Set([PREFIX, KEY, KEY_FILE, ...SOURCES.map(urlVariable)]);

/** @param profile under `strict` every address must be https */
export function openDataConfig(env: Env, profile: 'strict' | 'sandbox', problems: string[]): OpenDataConfig {
  for (const name of Object.keys(env)) {
    if (name.startsWith(PREFIX) && !KNOWN.has(name)) problems.push(`${name} is no variable of open data`);
  }
  const state = env[PREFIX] || 'off';
  if (state !== 'on' && state !== 'off') problems.push(`${PREFIX} must be on or off`);
  const baseUrls = Object.fromEntries(
    SOURCES.map((source) => {
      const url = env[urlVariable(source)] || DEFAULT_BASE_URLS[source];
      const problem = baseUrlProblem(url, profile);
      if (problem) problems.push(`${urlVariable(source)} ${problem}`);
      return [source, url];
    }),
  ) as Record<SourceId, string>;
  return { enabled: state === 'on', baseUrls, ukpnKey: keyOf(env, problems) };
}

/** By variable, what a configuration has; the key is left out. */
export function openDataSettings(config: OpenDataConfig | undefined): Record<string, unknown> {
  if (!config) return {};
  const urls = SOURCES.map((source) => [urlVariable(source), config.baseUrls[source]] as const);
  return { [PREFIX]: config.enabled ? 'on' : 'off', ...(config.enabled && Object.fromEntries(urls)) };
}

/** Undefined when `url` may be called. The URL is not repeated: it may hold a password. */
export function baseUrlProblem(url: string, profile: 'strict' | 'sandbox'): string | undefined {
  if (!URL.canParse(url)) return 'is not a URL';
  const { protocol, username, password, search, hash } = new URL(url);
  if (username || password) return 'must not hold credentials: the key has a variable of its own';
  if (search || hash) return 'must end with its path';
  if (protocol === 'https:') return undefined;
  if (protocol !== 'http:') return 'must begin with https:';
  return profile === 'strict' ? 'must begin with https: (plain http is for the sandbox profile)' : undefined;
}

function keyOf(env: Env, problems: string[]): string | undefined {
  const given = env[KEY] || undefined;
  const file = env[KEY_FILE] || undefined;
  if (given && file) problems.push(`set one of ${KEY} and ${KEY_FILE}, not both`);
  const key = given ?? (file ? readKey(file, problems) : undefined);
  if (key !== undefined && !/^[\x21-\x7e]{1,256}$/.test(key)) {
    problems.push(`${file ? KEY_FILE : KEY} does not hold a key: one word of printable characters`);
    return undefined;
  }
  return key;
}

function readKey(path: string, problems: string[]): string | undefined {
  try {
    if (statSync(path).size > KEY_FILE_BYTES) throw new Error('it is too large for a key');
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    problems.push(`${KEY_FILE}: ${path} cannot be read: ${(error as Error).message}`);
    return undefined;
  }
}
