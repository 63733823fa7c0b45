/** Two participants, a gateway and a registry in memory: enough of a network to judge one message. */
import { validateBeckn } from '@flexder/schemas/validators.ts';
import { encodeOnSelect, encodeSearch, encodeSelect } from '../flexibility/codec-v1.ts';
import { REQUEST_ACTIONS } from './actions.ts';
import { eventId, feederId, keyId, type SubscriberId, subscriberId } from './identifiers.ts';
import {
  INBOUND_STEPS,
  type InboundAccepted,
  type InboundDeps,
  type InboundOutcome,
  type InboundRequest,
  type KeyLookup,
  type RememberVerdict,
  runInbound,
} from './inbound.ts';
import { generateKeys, type KeyMaterial } from './keys.ts';
import { INBOUND_LIMITS } from './limits.ts';
import { digestHeader, signMessage } from './signature.ts';

export const NOW = Date.parse('2026-01-15T17:00:00.000Z');
const DAY_MS = 86_400_000;

export interface Party {
  readonly id: SubscriberId;
  readonly type: 'BAP' | 'BPP' | 'BG';
  readonly url: string;
  readonly keys: KeyMaterial;
}

const party = (name: string, type: Party['type'], byte: number): Party => ({
  id: subscriberId(name),
  type,
  url: `https://${name}/beckn`,
  keys: generateKeys((length) => Buffer.alloc(length, byte)),
});
export const dso = party('bap-dso.example.com', 'BAP', 1);
export const aggregator = party('bpp-agg.example.com', 'BPP', 2);
export const gateway = party('gateway.example.com', 'BG', 3);
export const evil = party('evil.example.com', 'BAP', 4);

/** One message on its way; a test changes one thing of it. */
export interface Scenario {
  self: Party;
  nowMs: number;
  /** Action of the path. */
  path: string;
  message: Record<string, unknown> & { context: Record<string, unknown> };
  serialise: (message: unknown) => Uint8Array;
  signer: Party;
  keyId: string;
  createdS: number;
  expiresS: number;
  viaGateway: boolean;
  sendDigest: boolean;
  /** What happens to the request after it was signed. */
  tamper: (request: InboundRequest) => InboundRequest;
  registry: Map<string, KeyLookup>;
  /** Answers of the cache where they differ from the registry's. */
  cached: Map<string, KeyLookup>;
  remember: (message: InboundAccepted) => Promise<RememberVerdict> | RememberVerdict;
  limits: InboundDeps['limits'];
}

export function registered({ type, url, keys }: Party): Extract<KeyLookup, { found: true }> {
  return {
    found: true,
    publicKey: keys.signingPublicKey,
    url,
    validFromMs: NOW - DAY_MS,
    validUntilMs: NOW + DAY_MS,
    status: 'SUBSCRIBED',
    type,
  };
}

const feeder = feederId('LPN-041');
const window = { startMs: NOW + 1_800_000, endMs: NOW + 3_600_000 };
const selection = {
  providerId: 'agg-1',
  fulfillmentId: 'f-1',
  feederId: feeder,
  window,
  items: [{ itemId: 'block-1', kw: 50 }],
};
const quote = {
  quoteId: '0b8f3a54-3d7b-4f35-9d40-5bb0a0b6b6aa',
  items: [{ itemId: 'block-1', kw: 50, priceGbpPerKwh: 0.4 }],
  totalKw: 50,
  totalGbp: 10,
  validUntilMs: NOW + 900_000,
};
const need = {
  eventId: eventId('evt-1'),
  feederId: feeder,
  direction: 'TURN_DOWN',
  requestedKw: 50,
  window,
  maxPriceGbpPerKwh: 1,
  minReliability: 0.5,
  maxResponseSeconds: 60,
  interventionClass: 'INCENTIVE',
} as const;

function context(action: string): Record<string, unknown> {
  return {
    domain: 'deg:demand-flexibility',
    location: { country: { code: 'GBR' }, city: { code: 'std:020' } },
    action,
    version: '1.1.0',
    bap_id: dso.id,
    bap_uri: dso.url,
    ...(action === 'search' ? {} : { bpp_id: aggregator.id, bpp_uri: aggregator.url }),
    transaction_id: '6743e9e2-4fb5-487c-92b7-13ba8018f176',
    message_id: 'b1a6c1d2-0f53-4a0e-8c1d-5b1f0d9e7a11',
    timestamp: new Date(NOW).toISOString(),
    ttl: 'PT30S',
  };
}

/** A message that is accepted as it stands. */
export function scenario(action: 'select' | 'search' | 'on_select' = 'select'): Scenario {
  const message = {
    select: encodeSelect(selection),
    search: encodeSearch(need),
    on_select: encodeOnSelect(selection, quote, NOW),
  }[action];
  const answer = action === 'on_select';
  const stored = new Map<string, string>();
  return {
    self: answer ? dso : aggregator,
    nowMs: NOW + 250,
    path: action,
    message: { context: context(action), message },
    serialise: (value) => Buffer.from(JSON.stringify(value)),
    signer: answer ? aggregator : dso,
    keyId: 'key-1',
    createdS: NOW / 1000,
    expiresS: NOW / 1000 + 30,
    viaGateway: action === 'search',
    sendDigest: true,
    tamper: (request) => request,
    registry: new Map([dso, aggregator, gateway, evil].map((each) => [`${each.id}|key-1`, registered(each)])),
    cached: new Map(),
    remember: ({ signerId, action: name, body, sha256 }) => {
      const key = `${signerId} ${name} ${body.context.message_id}`;
      const before = stored.get(key);
      stored.set(key, before ?? sha256);
      return before === undefined ? 'new' : before === sha256 ? 'same' : 'different';
    },
    limits: INBOUND_LIMITS,
  };
}

export function requestOf(of: Scenario): InboundRequest {
  const body = of.serialise(of.message);
  const sign = (by: Party) => signMessage({ ...of, body, subscriberId: by.id, seed: by.keys.signingSeed });
  const headers = {
    'content-type': ['application/json; charset=utf-8'],
    authorization: [sign(of.signer)],
    ...(of.viaGateway && { 'x-gateway-authorization': [sign({ ...gateway })] }),
    ...(of.sendDigest && { digest: [digestHeader(body)] }),
  };
  return of.tamper({ action: of.path, headers, body });
}

export interface Judged {
  readonly outcome: InboundOutcome;
  readonly stored: InboundAccepted[];
  /** Keys asked for: `subscriber|key`, with `!` when fresh. */
  readonly asked: string[];
}

export async function judge(of: Scenario, steps = INBOUND_STEPS): Promise<Judged> {
  const stored: InboundAccepted[] = [];
  const asked: string[] = [];
  const deps: InboundDeps = {
    self: { subscriberId: of.self.id, role: of.self.type },
    actions: new Set(of.self.type === 'BAP' ? REQUEST_ACTIONS.map((name) => `on_${name}` as const) : REQUEST_ACTIONS),
    nowMs: of.nowMs,
    limits: of.limits,
    validate: validateBeckn,
    keys: {
      find: async (id, key, { fresh }) => {
        const name = `${id}|${keyId(key)}`;
        asked.push(fresh ? `${name}!` : name);
        const cached = fresh ? undefined : of.cached.get(name);
        const known = [...of.registry.keys()].some((each) => each.startsWith(`${id}|`));
        return cached ?? of.registry.get(name) ?? { found: false, what: known ? 'key' : 'subscriber' };
      },
    },
    store: {
      remember: async (message) => {
        const verdict = await of.remember(message);
        if (verdict === 'new') stored.push(message);
        return verdict;
      },
    },
  };
  return { outcome: await runInbound(requestOf(of), deps, steps), stored, asked };
}
