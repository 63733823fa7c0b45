import { type SignatureFault, signatureFault } from '../signature.ts';
import { findKey, keyFault } from './key.ts';
import { bodyOf } from './media.ts';
import {
  type Credential,
  type InboundDeps,
  type InboundRejection,
  type InboundState,
  incomplete,
  reject,
  type StepRun,
} from './types.ts';

/** Digest and signature over the raw bytes. */
export const signature: StepRun = async (state, deps) => {
  for (const credential of state.credentials) {
    const rejection = await verify(credential, state, deps);
    if (rejection !== undefined) return rejection;
  }
  return undefined;
};

/** A key replaced at the registry while the old one was cached: the key is fetched fresh once. */
async function verify(
  credential: Credential,
  state: InboundState,
  deps: InboundDeps,
): Promise<InboundRejection | undefined> {
  const { key } = credential;
  if (key === undefined) return incomplete('key');
  const fault = check(credential, key.publicKey, state);
  if (fault === undefined) return undefined;
  const failed = reject('AUT_SIGNATURE_INVALID', fault.reason, fault.detail, { gateway: credential.by === 'gateway' });
  // Another key cannot mend bytes that do not match their own digest.
  if (fault.reason === 'digest') return failed;
  const fresh = await findKey(credential, deps, true);
  if ('rejection' in fresh) return fresh.rejection.status === 401 ? fresh.rejection : failed;
  const unusable = keyFault(fresh.key, credential, deps.nowMs);
  if (unusable !== undefined) return unusable;
  if (fresh.key.publicKey === key.publicKey || check(credential, fresh.key.publicKey, state)) return failed;
  credential.key = fresh.key;
  return undefined;
}

function check({ parsed }: Credential, publicKey: string, { request }: InboundState): SignatureFault | undefined {
  const digests = request.headers.digest ?? [];
  const digest = digests.length === 0 ? undefined : digests.join(', ');
  return signatureFault({ body: bodyOf(request.body), parsed, publicKey, digest });
}
