import type { Network } from './network.ts';

const TIMEOUT_MS = 20_000;
const LIMIT_BYTES = 16_777_216;

/** Reads one endpoint of the DSO's operator API; throws with what it answered when that is not 200. */
export async function readApi<T>(network: Pick<Network, 'bap' | 'context'>, path: string): Promise<T> {
  const { origin } = new URL(network.bap.url);
  const response = await network.context.http.request(`${origin}${path}`, {
    method: 'GET',
    timeoutMs: TIMEOUT_MS,
    maxResponseBytes: LIMIT_BYTES,
    allow: { profile: 'sandbox', sandboxOrigins: new Set([origin]) },
  });
  const text = Buffer.from(response.body).toString('utf8');
  if (response.status !== 200) throw new Error(`${path} answered ${response.status}: ${text.slice(0, 200)}`);
  return JSON.parse(text) as T;
}
