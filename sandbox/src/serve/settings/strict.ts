/** What a live network refuses to start with, however well a sandbox runs on it. */
import { isLoopbackHost } from '@flexder/runtime/http/addresses.ts';
import type { Env } from './config.ts';

/** Passwords that stand in manuals and examples. */
const SAMPLE_PASSWORDS = new Set(
  'admin changeit changeme default example flexder guest letmein mosquitto password secret test'.split(' '),
);

/** Options of Node that open a debugger to whoever connects, or take off what protects a connection. */
const NODE_SWITCHES = /(?:^|\s)--(inspect(?:-brk|-port|-wait)?|insecure-http-parser|tls-keylog)(?=[\s=]|$)/;

/** What is wrong with this environment under the profile `strict`, in sentences that name variables; no values of secrets. */
export function strictProblems(service: string, env: Env): string[] {
  // Absent means strict, as it does for every service.
  if ((env.FLEXDER_NETWORK_PROFILE || 'strict') !== 'strict') return [];
  const problems = [
    nodeProblems(env),
    passwordProblems(service, env),
    engineProblems(service, env),
    urlProblems(service, env),
  ];
  return problems.flat().map((problem) => `${problem}, or FLEXDER_NETWORK_PROFILE=sandbox on a test network.`);
}

function nodeProblems(env: Env): string[] {
  const problems: string[] = [];
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0')
    problems.push('NODE_TLS_REJECT_UNAUTHORIZED=0 takes any certificate for the right one: unset it');
  if (env.SSLKEYLOGFILE) problems.push('SSLKEYLOGFILE writes down the keys of connections: unset it');
  const option = NODE_SWITCHES.exec(env.NODE_OPTIONS ?? '')?.[1];
  if (option) problems.push(`NODE_OPTIONS has --${option}, which is for tests: take it out`);
  return problems;
}

/** Logins of this service on the device bus, and its operators' token. */
function passwordProblems(service: string, env: Env): string[] {
  const own = `FLEXDER_${service.toUpperCase()}_`;
  return [`${own}MQTT_PASSWORD`, `${own}OPERATOR_TOKEN`].flatMap((name) => {
    const value = env[name];
    if (!value) return [];
    const user = env[`${own}MQTT_USERNAME`];
    const plain = value.toLowerCase().replace(/[\d!]+$/, '');
    if (value !== user && plain !== '' && !SAMPLE_PASSWORDS.has(plain)) return [];
    return [`${name} is the user name, digits alone or a word of every example: set one that nobody guesses`];
  });
}

/** Where keys are looked up, and where this service says that it can be found. */
function urlProblems(service: string, env: Env): string[] {
  return ['FLEXDER_REGISTRY_URL', `FLEXDER_${service.toUpperCase()}_PUBLIC_URL`].flatMap((name) => {
    const value = env[name];
    if (!value || !URL.canParse(value)) return [];
    const { protocol, hostname } = new URL(value);
    if (protocol !== 'http:' || isLoopbackHost(hostname)) return [];
    return [`${name} is not encrypted: whoever is on the way could answer in its place; use https`];
  });
}

function engineProblems(service: string, env: Env): string[] {
  const problems: string[] = [];
  const host = env.FLEXDER_BROKER_HOST;
  if (service === 'broker' && host && !isLoopbackHost(host))
    problems.push(
      `FLEXDER_BROKER_HOST=${host} would carry passwords and commands of devices in the clear: use a broker with TLS, ` +
        'leave this one on this machine',
    );
  if (/^pglite:memory$/.test(env.FLEXDER_DATABASE_URL ?? ''))
    problems.push('FLEXDER_DATABASE_URL=pglite:memory forgets keys, orders and the audit chain: name a directory');
  return problems;
}
