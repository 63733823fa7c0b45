/**
 * The one inbound pipeline: every signed message on every service passes these steps in this order. A step
 * returns a rejection or nothing; the order is part of the contract (an unsigned sender learns nothing but that
 * it is unsigned, so a bad signature on a bad message is 401, never 400).
 */

import { binding } from './inbound/binding.ts';
import { freshness } from './inbound/freshness.ts';
import { header } from './inbound/header.ts';
import { json } from './inbound/json.ts';
import { key } from './inbound/key.ts';
import { media } from './inbound/media.ts';
import { schema } from './inbound/schema.ts';
import { signature } from './inbound/signature.ts';
import { idempotency, persist } from './inbound/store.ts';
import { timeWindow } from './inbound/time-window.ts';
import {
  type InboundDeps,
  type InboundOutcome,
  type InboundRequest,
  type InboundStep,
  reject,
  startState,
} from './inbound/types.ts';

export type {
  InboundAccepted,
  InboundDeps,
  InboundOutcome,
  InboundReason,
  InboundRejection,
  InboundRequest,
  InboundStep,
  KeyLookup,
  RememberVerdict,
  SchemaVerdict,
} from './inbound/types.ts';

export const INBOUND_STEPS: readonly InboundStep[] = [
  { name: 'media', run: media },
  { name: 'header', run: header },
  { name: 'time-window', run: timeWindow },
  { name: 'key', run: key },
  { name: 'signature', run: signature },
  { name: 'json', run: json },
  { name: 'binding', run: binding },
  { name: 'schema', run: schema },
  { name: 'freshness', run: freshness },
  { name: 'idempotency', run: idempotency },
  { name: 'persist', run: persist },
];

/**
 * Judges one request. Accepted means stored: the caller answers ACK and acts on `message` unless it is `repeated`.
 * Never throws for what a peer sends; what a dependency throws becomes 503 with the `cause` to log.
 */
export async function runInbound(
  request: InboundRequest,
  deps: InboundDeps,
  steps: readonly InboundStep[] = INBOUND_STEPS,
): Promise<InboundOutcome> {
  const state = startState(request);
  for (const step of steps) {
    const rejection = await step.run(state, deps);
    if (rejection !== undefined) return rejection;
  }
  if (state.accepted === undefined || state.remembered === undefined) {
    return reject('INTERNAL', 'pipeline', 'the message was not stored; send it again');
  }
  return { accepted: true, status: 200, message: state.accepted, repeated: state.remembered === 'same' };
}
