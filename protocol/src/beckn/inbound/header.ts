import { parseSignatureHeader } from '../signature-header.ts';
import { type Credential, type InboundDeps, type InboundRejection, type InboundState, reject } from './types.ts';

export const AUTHORIZATION = 'authorization';
export const GATEWAY_AUTHORIZATION = 'x-gateway-authorization';

/**
 * The signature header, exactly one; and that of the gateway when a search came through one. Node keeps the first
 * of two `Authorization` headers and joins two of the other, so every occurrence is counted.
 */
export function header(state: InboundState, deps: InboundDeps): InboundRejection | undefined {
  const { headers, action } = state.request;
  if ((headers[AUTHORIZATION] ?? []).length === 0) {
    const text = 'there is no Authorization header: sign the body and send Authorization: Signature keyId="…",…';
    return reject('AUT_SIGNATURE_MISSING', 'missing', text);
  }
  const sender = read(state, deps, AUTHORIZATION, 'sender');
  if (sender !== undefined) return sender;
  const viaGateway = action === 'search' && (headers[GATEWAY_AUTHORIZATION] ?? []).length > 0;
  return viaGateway ? read(state, deps, GATEWAY_AUTHORIZATION, 'gateway') : undefined;
}

function read(
  state: InboundState,
  { limits }: InboundDeps,
  name: string,
  by: Credential['by'],
): InboundRejection | undefined {
  const gateway = by === 'gateway';
  const values = state.request.headers[name] ?? [];
  const [value = ''] = values;
  if (values.length !== 1) {
    return reject('AUT_SIGNATURE_INVALID', 'header', `${name} comes ${values.length} times: send it once`, { gateway });
  }
  const verdict = parseSignatureHeader(value, limits.maxHeaderChars);
  if (!verdict.ok) {
    return reject('AUT_SIGNATURE_INVALID', verdict.reason, `${name}: ${verdict.detail}`, { gateway });
  }
  const role = gateway ? 'BG' : state.request.action.startsWith('on_') ? 'BPP' : 'BAP';
  state.credentials.push({ by, role, parsed: verdict.parsed });
  return undefined;
}
