import axios, { AxiosHeaders, type AxiosInstance, type InternalAxiosRequestConfig } from 'axios';
import type { Outbound, OutboundPolicy } from '../../http/outbound.ts';
import { REGISTRY_BYTES, REGISTRY_TIMEOUT_MS } from '../limits.ts';

/**
 * axios for the registry, carried by the service's own outbound HTTP: the same address policy, bounds and refusal of
 * redirects as every other call. axios' network adapters are not used.
 */
export function registryTransport(
  http: Outbound,
  registryUrl: string,
  profile: OutboundPolicy['profile'],
): AxiosInstance {
  const base = registryUrl.replace(/\/+$/, '');
  const allow: OutboundPolicy = { profile, sandboxOrigins: new Set([new URL(base).origin]) };
  return axios.create({
    baseURL: base,
    responseType: 'text',
    transformRequest: [(data) => data],
    transformResponse: [(data) => data],
    validateStatus: () => true,
    adapter: async (config: InternalAxiosRequestConfig) => {
      const response = await http.request(`${config.baseURL}${config.url}`, {
        method: config.method === 'get' ? 'GET' : 'POST',
        headers: { 'content-type': 'application/json', ...plain(config.headers) },
        body: config.data as string | undefined,
        timeoutMs: REGISTRY_TIMEOUT_MS,
        maxResponseBytes: REGISTRY_BYTES,
        allow,
      });
      return {
        data: Buffer.from(response.body).toString('utf8'),
        status: response.status,
        statusText: '',
        headers: new AxiosHeaders(response.headers),
        config,
      };
    },
  });
}

function plain(headers: AxiosHeaders): Record<string, string> {
  const authorization = headers.get('authorization');
  return typeof authorization === 'string' ? { authorization } : {};
}
