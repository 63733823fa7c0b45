/** One need, one offer and one order, and whole messages around what is said of them. */
import { validateBeckn } from '@flexder/schemas/validators.ts';
import { expect } from 'chai';
import { eventId, feederId, obpId, orderId, subscriberId } from '../beckn/identifiers.ts';
import type * as codec from './codec-v1.ts';
import type { FlexNeed, FlexOffer, FlexQuote, FlexSelection, OrderReferences } from './model.ts';

export const NOW = Date.parse('2026-01-15T17:00:00.000Z');
export const window = { startMs: NOW + 3_600_000, endMs: NOW + 7_200_000 };
export const BPP = subscriberId('bpp-agg.example.com');

/** A whole message around `message`, which must pass its schema. */
export function bodyOf(action: string, message: unknown): codec.ValidBody {
  const context = {
    domain: 'deg:demand-flexibility',
    location: { country: { code: 'GBR' }, city: { code: 'std:020' } },
    action,
    version: '1.1.0',
    bap_id: 'bap-dso.example.com',
    bap_uri: 'https://bap-dso.example.com/beckn',
    ...(action === 'search' ? {} : { bpp_id: BPP, bpp_uri: 'https://bpp-agg.example.com/beckn' }),
    transaction_id: '6743e9e2-4fb5-487c-92b7-13ba8018f176',
    message_id: 'b1a6c1d2-0f53-4a0e-8c1d-5b1f0d9e7a11',
    timestamp: new Date(NOW).toISOString(),
    ttl: 'PT30S',
  };
  const body = JSON.parse(JSON.stringify({ context, message })) as codec.ValidBody;
  expect(validateBeckn(action, body)).to.deep.equal({ valid: true });
  return body;
}

export const need: FlexNeed = {
  eventId: eventId('evt-1'),
  feederId: feederId('LPN-041'),
  direction: 'TURN_DOWN',
  requestedKw: 412.5,
  window,
  maxPriceGbpPerKwh: 0.52,
  minReliability: 0.8,
  maxResponseSeconds: 90,
  interventionClass: 'INCENTIVE',
};
export const offer: FlexOffer = {
  bppId: BPP,
  providerId: 'agg-1',
  itemId: 'LPN-041.battery',
  fulfillmentId: 'f-LPN-041',
  feederId: feederId('LPN-041'),
  direction: 'TURN_DOWN',
  deviceType: 'battery',
  availableKw: 120.125,
  minimumKw: 1.5,
  stepKw: 0.5,
  priceGbpPerKwh: 0.46125,
  responseSeconds: 2.5,
  minimumNoticeSeconds: 0,
  maxDurationSeconds: 10_800,
  maxEventsPerDay: 2,
  rampKwPerMinute: 600,
  baselineMethod: 'bl01-like',
  baselineKw: -3.25,
  reliability: 0.925,
  eventsCompleted: 14,
  availability: { startMs: NOW, endMs: NOW + 86_400_000 },
};
export const selection: FlexSelection = {
  providerId: 'agg-1',
  fulfillmentId: 'f-LPN-041',
  feederId: feederId('LPN-041'),
  window,
  items: [
    { itemId: 'LPN-041.battery', kw: 100 },
    { itemId: 'LPN-041.ev-charger', kw: 12.375 },
  ],
};
export const quote: FlexQuote = {
  quoteId: '0b8f3a54-3d7b-4f35-9d40-5bb0a0b6b6aa',
  items: [
    { itemId: 'LPN-041.battery', kw: 100, priceGbpPerKwh: 0.46125 },
    { itemId: 'LPN-041.ev-charger', kw: 12.375, priceGbpPerKwh: 0.3 },
  ],
  totalKw: 112.375,
  totalGbp: 49.8375,
  validUntilMs: NOW + 900_000,
};
export const references: OrderReferences = {
  eventId: eventId('evt-1'),
  obpId: obpId('obp-20260115-0001'),
  obpIdSource: 'network-assigned',
  interventionClass: 'EMERGENCY',
};
export const id = orderId('order-1');
export const echo = { items: selection.items, references };
