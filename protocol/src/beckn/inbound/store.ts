import { createHash } from 'node:crypto';
import { isAction } from '../actions.ts';
import type { BecknBody } from '../envelope.ts';
import { bodyOf } from './media.ts';
import {
  type InboundAccepted,
  type InboundDeps,
  type InboundRejection,
  type InboundState,
  incomplete,
  reject,
  type StepRun,
} from './types.ts';

/**
 * Remembering and storing are one insert, keyed by (signer, action, message_id): whether the message was there is
 * what the insert answers. So this step makes it, and judges the identity; `persist` judges that it is stored.
 */
export const idempotency: StepRun = async (state, deps) => {
  const rejection = await rememberOnce(state, deps);
  if (rejection !== undefined || state.remembered !== 'different') return rejection;
  const { message_id: messageId, action } = (state.value as BecknBody).context;
  const text = `${action} ${messageId} was received before with other content, which stands: use a new message_id`;
  return reject('DUPLICATE_MESSAGE_ID', 'duplicate', text, { path: '/context/message_id' });
};

/** An ACK promises that the message is stored and will be acted on: without that promise there is none. */
export const persist: StepRun = async (state, deps) => {
  const rejection = await rememberOnce(state, deps);
  if (rejection !== undefined || state.remembered !== 'overloaded') return rejection;
  const text = 'more is waiting here than can be acted on in time: send again later';
  return reject('NET_DOWNSTREAM_UNAVAILABLE', 'overloaded', text);
};

async function rememberOnce(state: InboundState, deps: InboundDeps): Promise<InboundRejection | undefined> {
  if (state.remembered !== undefined) return undefined;
  const accepted = describe(state, deps.nowMs);
  if (accepted === undefined) return incomplete('key');
  try {
    state.remembered = await deps.store.remember(accepted);
    state.accepted = accepted;
    return undefined;
  } catch (cause) {
    const text = 'the message could not be stored: send again later';
    return reject('NET_DOWNSTREAM_UNAVAILABLE', 'store', text, { cause });
  }
}

function describe(state: InboundState, nowMs: number): InboundAccepted | undefined {
  const { action } = state.request;
  const sender = state.credentials.find((credential) => credential.by === 'sender');
  const gateway = state.credentials.find((credential) => credential.by === 'gateway');
  if (sender?.key === undefined || !isAction(action)) return undefined;
  const raw = bodyOf(state.request.body);
  const { subscriberId, keyId, signature } = sender.parsed;
  return {
    action,
    signerId: subscriberId,
    body: state.value as BecknBody,
    raw,
    sha256: createHash('sha256').update(raw).digest('hex'),
    signature: { keyId, value: signature, publicKey: sender.key.publicKey },
    ...(gateway && { gatewayId: gateway.parsed.subscriberId }),
    receivedAtMs: nowMs,
  };
}
