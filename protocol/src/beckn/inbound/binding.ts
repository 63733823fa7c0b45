import { isAction } from '../actions.ts';
import {
  type Credential,
  type InboundDeps,
  type InboundRejection,
  incomplete,
  type KeyFound,
  reject,
  type StepRun,
} from './types.ts';

type Context = Readonly<Record<string, unknown>>;

/**
 * Binds the message to this request, since the signature covers neither method, path nor host: its action is the
 * path's, it is addressed to this participant, the signer is the other party, that party calls back where the registry
 * says, and it has there the role of who sends such a message.
 */
export const binding: StepRun = (state, deps) => {
  const sender = state.credentials.find((credential) => credential.by === 'sender');
  if (sender?.key === undefined) return incomplete('key');
  const context = contextOf(state.value);
  if (context === undefined) {
    const text = 'the document has no context: send {"context":{…},"message":{…}}';
    return reject('SCH_INVALID_FORMAT', 'context', text, { path: '/context' });
  }
  return (
    actionFault(context, state.request.action, deps) ??
    recipientFault(context, deps) ??
    partyFault(context, state.request.action, sender.parsed.subscriberId, sender.key.url) ??
    roleFault(sender, sender.key)
  );
};

function contextOf(value: unknown): Context | undefined {
  const context = typeof value === 'object' && value !== null && 'context' in value ? value.context : undefined;
  return typeof context === 'object' && context !== null ? (context as Context) : undefined;
}

function actionFault(context: Context, path: string, deps: InboundDeps): InboundRejection | undefined {
  if (context.action !== path) {
    const text = `context.action is ${shown(context.action)} but the path is /${shown(path).slice(1, -1)}: post each action to its own path`;
    return reject('CTX_ACTION_MISMATCH', 'action', text, { path: '/context/action' });
  }
  if (!isAction(path) || !deps.actions.has(path)) {
    const served = [...deps.actions].sort().join(', ');
    return reject('40001', 'action', `this ${deps.self.role} serves ${served}`, { path: '/context/action' });
  }
  return undefined;
}

/** A search may leave its BPP open; a gateway is nobody's bpp_id. */
function recipientFault(context: Context, { self }: InboundDeps): InboundRejection | undefined {
  if (self.role === 'BG') return undefined;
  const member = self.role === 'BAP' ? 'bap_id' : 'bpp_id';
  const addressed = context[member];
  if (addressed === self.subscriberId) return undefined;
  if (member === 'bpp_id' && context.action === 'search' && addressed === undefined) return undefined;
  const text = `context.${member} is ${shown(addressed)}, this is ${self.subscriberId}: send the message to whom it is addressed`;
  return reject('AUT_UNAUTHORIZED_ACTION', 'recipient', text, { path: `/context/${member}` });
}

function partyFault(context: Context, action: string, signerId: string, url: string): InboundRejection | undefined {
  const [id, uri] = action.startsWith('on_') ? ['bpp_id', 'bpp_uri'] : ['bap_id', 'bap_uri'];
  if (context[id] !== signerId) {
    const text = `context.${id} is ${shown(context[id])} but ${signerId} signed: only the ${id.slice(0, 3)} itself signs its messages`;
    return reject('AUT_UNAUTHORIZED_ACTION', 'signer', text, { path: `/context/${id}` });
  }
  if (typeof context[uri] !== 'string' || bare(context[uri]) !== bare(url)) {
    const text = `context.${uri} is ${shown(context[uri])}, the registry has ${url} for ${signerId}: send the registered URL or register the new one`;
    return reject('CTX_COUNTERPARTY_URL', 'counterparty-url', text, { path: `/context/${uri}` });
  }
  return undefined;
}

const ROLE_SENDS = {
  BAP: 'requests come from a buyer (BAP)',
  BPP: 'answers come from a seller (BPP)',
  BG: 'a gateway (BG) signs in X-Gateway-Authorization',
};

/** A seller that also buys registers as both. */
function roleFault({ role, parsed }: Credential, { type }: KeyFound): InboundRejection | undefined {
  if (type === undefined || type === role) return undefined;
  const text = `${parsed.subscriberId} is registered as ${type}: ${ROLE_SENDS[role]}, subscribe as one`;
  return reject('AUT_UNAUTHORIZED_ACTION', 'signer-role', text);
}

const bare = (url: string) => (url.endsWith('/') ? url.slice(0, -1) : url);
const shown = (value: unknown) =>
  JSON.stringify(typeof value === 'string' ? value.slice(0, 128) : value)?.slice(0, 130) ?? 'absent';
