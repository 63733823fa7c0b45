import { assertArchivePrefix } from './keys.ts';

/** Where an archive of the `s3:` kind is. */
export interface S3Place {
  readonly bucket: string;
  /** Empty, or names that end in `/`. */
  readonly prefix: string;
  /** `http://host:port` of a server that is not Amazon's. */
  readonly endpoint: string | undefined;
  readonly region: string;
  /** Whether the bucket stands in the path of a request instead of in the host's name. */
  readonly pathStyle: boolean;
}

export const S3_FORM = 's3://BUCKET/PREFIX?region=REGION or s3://BUCKET/PREFIX?endpoint=http://HOST:PORT';

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const REGION = /^[a-z0-9-]{1,63}$/;
const PARAMETERS = ['endpoint', 'region', 'path-style'];

/** Throws a TypeError that says what is wrong and repeats nothing that could be a secret. */
export function parseS3Url(text: string): S3Place {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 's3:') throw new TypeError(`it must be ${S3_FORM}`);
  if (url.username !== '' || url.password !== '')
    throw new TypeError('it holds credentials: they belong in FLEXDER_ARCHIVE_ACCESS_KEY_ID and its like');
  if (!BUCKET.test(url.host)) throw new TypeError('it names no bucket: 3 to 63 of a-z, 0-9, "." and "-"');
  if (url.hash !== '') throw new TypeError('it must not have a part after "#"');
  const parameters = url.searchParams;
  for (const name of parameters.keys()) {
    if (!PARAMETERS.includes(name))
      throw new TypeError(`it may have ${PARAMETERS.join(', ')}, and nothing else after "?"`);
    if (parameters.getAll(name).length > 1) throw new TypeError(`it has ${name} twice`);
  }
  const endpoint = endpointOf(parameters.get('endpoint') ?? undefined);
  const region = parameters.get('region') ?? (endpoint === undefined ? undefined : 'us-east-1');
  if (region === undefined || !REGION.test(region))
    throw new TypeError('without an endpoint it must have ?region=REGION');
  const style = parameters.get('path-style') ?? String(endpoint !== undefined);
  if (style !== 'true' && style !== 'false') throw new TypeError('path-style must be true or false');
  return { bucket: url.host, prefix: prefixOf(url.pathname), endpoint, region, pathStyle: style === 'true' };
}

function endpointOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain =
    url && url.username === '' && url.password === '' && url.pathname === '/' && url.search === '' && !url.hash;
  if (!plain || !/^https?:$/.test(url.protocol))
    throw new TypeError('its endpoint must be http://HOST:PORT or https://HOST:PORT and nothing more');
  return url.origin;
}

function prefixOf(pathname: string): string {
  const names = pathname.replace(/^\//, '').replace(/\/$/, '');
  assertArchivePrefix(names);
  return names === '' ? '' : `${names}/`;
}
