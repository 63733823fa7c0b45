import { expect } from 'chai';
import type { Env } from './config.ts';
import { problemsOf } from './problems.fixture.ts';
import { strictProblems } from './strict.ts';

const BAP: Env = {
  FLEXDER_REGISTRY_URL: 'https://registry.example.com',
  FLEXDER_BAP_SUBSCRIBER_ID: 'dso-1',
  FLEXDER_BAP_NAME: 'A DSO',
  FLEXDER_BAP_MQTT_USERNAME: 'dso/dso-1',
  FLEXDER_BAP_MQTT_PASSWORD: 'wC7-kq2LpZ',
  FLEXDER_BAP_FEEDERS: '[{"feederId":"feeder-1","name":"Heath Road","limitKw":100}]',
};

/** Each is one change of an environment that starts; the sandbox takes the changed one too. */
const refused: readonly (readonly [what: string, service: string, change: Env, says: RegExp])[] = [
  ['certificates unchecked', 'bap', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }, /^NODE_TLS_REJECT_UNAUTHORIZED=0 takes any/],
  ['a key log', 'bap', { SSLKEYLOGFILE: '/keys' }, /^SSLKEYLOGFILE/],
  ['a debugger', 'bap', { NODE_OPTIONS: '--import=tsx --inspect=0.0.0.0:9229' }, /^NODE_OPTIONS has --inspect,/],
  ['a debugger that waits', 'bap', { NODE_OPTIONS: '--inspect-brk' }, /^NODE_OPTIONS has --inspect-brk,/],
  ['a lenient parser', 'registry', { NODE_OPTIONS: '--insecure-http-parser' }, /^NODE_OPTIONS has --insecure-http/],
  ['a sample password', 'bap', { FLEXDER_BAP_MQTT_PASSWORD: 'secret' }, /^FLEXDER_BAP_MQTT_PASSWORD is the user/],
  ['one with a year behind', 'bap', { FLEXDER_BAP_MQTT_PASSWORD: 'Changeme2026!' }, /^FLEXDER_BAP_MQTT_PASSWORD/],
  ['digits alone', 'bap', { FLEXDER_BAP_MQTT_PASSWORD: '12345678' }, /^FLEXDER_BAP_MQTT_PASSWORD/],
  ['the user name again', 'bap', { FLEXDER_BAP_MQTT_PASSWORD: 'dso/dso-1' }, /^FLEXDER_BAP_MQTT_PASSWORD/],
  ['a plaintext broker for devices', 'bap', { FLEXDER_MQTT_URL: 'mqtt://broker.example' }, /is not encrypted/],
  [
    'a registry in the clear',
    'bap',
    { FLEXDER_REGISTRY_URL: 'http://registry.example.com' },
    /^FLEXDER_REGISTRY_URL is/,
  ],
  [
    'an address in the clear',
    'bap',
    { FLEXDER_BAP_PUBLIC_URL: 'http://dso.example.com' },
    /^FLEXDER_BAP_PUBLIC_URL is/,
  ],
  ['a database in memory', 'bap', { FLEXDER_DATABASE_URL: 'pglite:memory' }, /^FLEXDER_DATABASE_URL=pglite:memory/],
];

describe('the strict profile at the start', () => {
  for (const [what, service, change, says] of refused) {
    const base = service === 'bap' ? BAP : {};
    it(`refuses ${what}, which a sandbox takes`, async () => {
      expect(await problemsOf(service, base), 'the twin').to.deep.equal([]);
      for (const strict of [{}, { FLEXDER_NETWORK_PROFILE: 'strict' }]) {
        const problems = await problemsOf(service, { ...base, ...change, ...strict });
        expect(problems).to.have.length(1);
        expect(problems[0]).to.match(says);
        for (const [name, value] of Object.entries(change))
          if (name.endsWith('PASSWORD')) expect(problems[0]).to.not.contain(value);
      }
      expect(await problemsOf(service, { ...base, ...change, FLEXDER_NETWORK_PROFILE: 'sandbox' })).to.deep.equal([]);
    });
  }

  it('MQ-11 refuses to serve devices in the clear beyond this machine', () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.4', 'broker.example', '127.broker.example'])
      expect(strictProblems('broker', { FLEXDER_BROKER_HOST: host }).join()).to.contain(`FLEXDER_BROKER_HOST=${host}`);
    for (const host of ['127.0.0.1', 'localhost', '::1'])
      expect(strictProblems('broker', { FLEXDER_BROKER_HOST: host })).to.deep.equal([]);
    const sandbox = { FLEXDER_BROKER_HOST: '0.0.0.0', FLEXDER_NETWORK_PROFILE: 'sandbox' };
    expect(strictProblems('broker', sandbox)).to.deep.equal([]);
  });

  it('reads the service’s own logins alone', () => {
    expect(strictProblems('registry', { FLEXDER_BAP_MQTT_PASSWORD: 'secret' })).to.deep.equal([]);
    expect(strictProblems('bpp', { FLEXDER_BPP_OPERATOR_TOKEN: 'changeme12345678' })).to.have.length(1);
  });
});
