/** How a process speaks to the broker of the device bus, as its environment says it. */
import { readFileSync } from 'node:fs';
import { isMqttUrl, type MqttSettings, type MqttTls, mqttProblem } from '@flexder/runtime/engines/bus/settings.ts';
import type { Env } from './config.ts';

const URL_FORM = 'FLEXDER_MQTT_URL must be mqtt://HOST:PORT or mqtts://HOST:PORT, without login, path or query.';
const FILES = {
  ca: 'FLEXDER_MQTT_CA_FILE',
  cert: 'FLEXDER_MQTT_CERT_FILE',
  key: 'FLEXDER_MQTT_KEY_FILE',
} as const;
const VERSIONS = { auto: 'auto', '4': 4, '5': 5 } as const;

/** Notes problems instead of throwing. */
export function mqttEngine(env: Env, problems: string[]): { readonly mqttUrl: string; readonly mqtt: MqttSettings } {
  const mqttUrl = env.FLEXDER_MQTT_URL || 'mqtt://127.0.0.1:1883';
  const version = env.FLEXDER_MQTT_VERSION || 'auto';
  if (!Object.hasOwn(VERSIONS, version))
    problems.push(`FLEXDER_MQTT_VERSION must be one of auto, 4, 5, not ${JSON.stringify(version)}.`);
  const tls = tlsFiles(env, problems);
  const mqtt: MqttSettings = {
    version: VERSIONS[version as keyof typeof VERSIONS] ?? 'auto',
    // The services read the same variable for their HTTP side, and say so when it is neither.
    profile: env.FLEXDER_NETWORK_PROFILE === 'sandbox' ? 'sandbox' : 'strict',
    ...(tls && { tls }),
  };
  if (!isMqttUrl(mqttUrl)) {
    problems.push(URL_FORM);
    return { mqttUrl: '', mqtt };
  }
  const problem = mqttProblem(mqttUrl, mqtt);
  if (problem !== undefined) problems.push(`FLEXDER_MQTT_URL: ${problem}`);
  return { mqttUrl, mqtt };
}

function tlsFiles(env: Env, problems: string[]): MqttTls | undefined {
  const read = Object.entries(FILES).flatMap(([part, name]) => {
    const path = env[name];
    return path ? [[part, pem(name, path, problems)] as const] : [];
  });
  return read.length === 0 ? undefined : Object.fromEntries(read);
}

/** Its text, or none with a problem; a key's text is never repeated. */
function pem(name: string, path: string, problems: string[]): string {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.includes('-----BEGIN ')) return text;
    problems.push(`${name}: ${path} holds no PEM block.`);
  } catch (error) {
    problems.push(`${name}: ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}.`);
  }
  return '';
}
