import { isLoopbackHost } from '../../http/addresses.ts';

export interface MqttTls {
  /** PEM. The authorities a broker's certificate must come from; the system's when absent. */
  readonly ca?: string;
  /** PEM. What this client shows; both or none. */
  readonly cert?: string;
  readonly key?: string;
}

/** How a broker outside this process is spoken to. */
export interface MqttSettings {
  /** 4 is MQTT 3.1.1; `auto` tries 5 first and remembers what the broker took. */
  readonly version: 'auto' | 4 | 5;
  /** `strict` refuses a broker without encryption beyond the loopback address and one that lets anonymous clients in. */
  readonly profile: 'strict' | 'sandbox';
  readonly tls?: MqttTls;
}

/** `mqtt://HOST[:PORT]` or `mqtts://…`, without login, path or query: credentials have variables of their own. */
export function isMqttUrl(text: string): boolean {
  if (!/^mqtts?:\/\/[^/?#@]+\/?$/.test(text) || !URL.canParse(text)) return false;
  const { hostname, username } = new URL(text);
  return hostname !== '' && username === '';
}

/** Why settings and URL do not go together, as a sentence; undefined when they do. */
export function mqttProblem(url: string, { profile, tls }: MqttSettings): string | undefined {
  const encrypted = url.startsWith('mqtts:');
  if ((tls?.cert === undefined) !== (tls?.key === undefined))
    return 'a client certificate needs its private key, and the key its certificate: give both or neither.';
  if (tls !== undefined && !encrypted)
    return `certificates are for mqtts:// URLs; ${url} is not encrypted, so none would be shown or checked.`;
  if (profile === 'strict' && !encrypted && !isLoopbackHost(new URL(url).hostname))
    return `${url} is not encrypted and not on this machine, so passwords and commands would travel in the clear: use mqtts://, or the sandbox profile on a test network.`;
  return undefined;
}
