import { isIP } from 'node:net';
import { isLoopbackHost, isPublicUnicast } from './addresses.ts';
import { ForbiddenAddressError, type OutboundPolicy } from './outbound.ts';

const INTERNAL_NAME =
  /(?:^|\.)(?:localhost|local|localdomain|internal|intranet|home|lan|corp|test|invalid|onion|arpa)$/;

/** The host as the checks see it: no brackets, no trailing dot. */
function bareHost(url: URL): string {
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  return host.replace(/\.+$/, '');
}

function refuse(url: URL, why: string): never {
  throw new ForbiddenAddressError(`${url.protocol}//${url.host} is not called: ${why}`);
}

function checkStrict(url: URL, policy: OutboundPolicy): void {
  if (url.protocol !== 'https:') refuse(url, 'the strict profile allows https only');
  if (isVouched(url, policy)) return;
  const host = bareHost(url);
  if (isIP(host)) {
    if (!isPublicUnicast(host)) refuse(url, 'the address is not a public unicast one');
  } else if (!host.includes('.') || INTERNAL_NAME.test(host)) refuse(url, 'the name is not a public one');
}

/** Whether an operator vouches for the host of `url`, letter by letter. */
export function isVouched(url: URL, { profile, vouchedHosts }: OutboundPolicy): boolean {
  return profile === 'strict' && (vouchedHosts?.has(bareHost(url)) ?? false);
}

function checkSandbox(url: URL, origins: ReadonlySet<string>): void {
  if (url.protocol !== 'http:' || !isLoopbackHost(bareHost(url)))
    refuse(url, 'the sandbox profile allows http loopback origins only');
  if (!origins.has(url.origin)) refuse(url, 'the registry of this sandbox holds no subscriber there');
}

/**
 * The parsed URL when the policy lets a call go there. Parsing first undoes disguises (decimal, octal and
 * full-width hosts), which WHATWG URL turns into plain addresses.
 */
export function allowedUrl(text: string, policy: OutboundPolicy): URL {
  if (!URL.canParse(text)) throw new ForbiddenAddressError(`${JSON.stringify(text.slice(0, 200))} is not a URL`);
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') refuse(url, 'a URL must not carry credentials');
  if (policy.profile === 'sandbox') checkSandbox(url, policy.sandboxOrigins);
  else checkStrict(url, policy);
  return url;
}
