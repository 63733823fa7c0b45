import assert from 'node:assert/strict';
import { join } from 'node:path';
import { configFromEnv as bapFromEnv } from '@flexder/bap-dso/config-env.ts';
import { configFromEnv as bppFromEnv } from '@flexder/bpp-aggregator/config-env.ts';
import { gatewayConfigFromEnv, registryConfigFromEnv } from '@flexder/registry-mock/config.ts';
import type { Target } from '../targets.ts';

const NO_DEVICES = join(import.meta.dirname, 'no-devices.json');
const SECRET = 'canary-4f1b9d';
const network = ['FLEXDER_REGISTRY_URL=http://127.0.0.1:3030', 'FLEXDER_NETWORK_PROFILE=sandbox'];
const bap = [
  ...network,
  'FLEXDER_BAP_SUBSCRIBER_ID=dso-1',
  'FLEXDER_BAP_NAME=A DSO',
  'FLEXDER_BAP_MQTT_USERNAME=dso',
  `FLEXDER_BAP_MQTT_PASSWORD=${SECRET}`,
  'FLEXDER_BAP_FEEDERS=[{"feederId":"feeder-1","name":"High Street","limitKw":900}]',
];
const bpp = [
  ...network,
  'FLEXDER_BPP_SUBSCRIBER_ID=agg-1',
  'FLEXDER_BPP_NAME=An aggregator',
  'FLEXDER_BPP_PROVIDER_ID=provider-1',
  'FLEXDER_BPP_PORT=3000',
  'FLEXDER_BPP_MQTT_USERNAME=agg',
  `FLEXDER_BPP_MQTT_PASSWORD=${SECRET}`,
  'FLEXDER_BPP_QUOTE_SHARE=0.8',
];
const readers = { bap: bapFromEnv, bpp: bppFromEnv, registry: registryConfigFromEnv, gateway: gatewayConfigFromEnv };
const input = (service: string, lines: readonly string[]) => Buffer.from([service, ...lines].join('\n'));

/** The environment of a service, after its name: taken, or refused by name with every problem, and no secret among them. */
export const config: Target = {
  corpus: [
    input('bap', bap),
    input('bpp', bpp),
    input('registry', ['FLEXDER_NETWORK_PROFILE=sandbox', 'FLEXDER_REGISTRY_PORT=4000']),
    input('gateway', [...network, 'FLEXDER_GATEWAY_PORT=4001']),
  ],
  words: [
    'FLEXDER_BAP_PORT=',
    '65536',
    '-1',
    'http://',
    '@',
    'javascript:',
    '[{}]',
    '{"feederId":',
    '1e999',
    'sandbox',
  ],
  feed(bytes) {
    const [service = '', ...lines] = bytes.toString('utf8').split('\n');
    if (!Object.hasOwn(readers, service)) return false;
    const pairs = lines.map((line) => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)] as const);
    // A path would read a file of this machine, and what is in it is none of ours.
    const own = pairs.filter(([name, value]) => !value.startsWith('@') && !/_(FILE|DIR)$/.test(name));
    const env = { ...Object.fromEntries(own), ...(service === 'bpp' && { FLEXDER_BPP_PORTFOLIO_FILE: NO_DEVICES }) };
    try {
      readers[service as keyof typeof readers](env);
      return true;
    } catch (error) {
      const { name, message, problems } = error as Error & { problems?: readonly string[] };
      if (name !== 'ConfigError') throw error;
      assert.ok(problems === undefined || problems.length > 0, 'a refusal names a problem');
      assert.ok(!message.includes(SECRET), 'no secret is repeated');
      return false;
    }
  },
};
