/** on_search: the blocks an aggregator offers, one per feeder and device type. */
import type { SubscriberId } from '../../beckn/identifiers.ts';
import { CodecError } from '../codec-error.ts';
import type { DeviceType, FlexOffer, LeftOut, TimeWindow } from '../model.ts';
import { leftOutTags } from './left-out.ts';
import { DIRECTIONS, feederLocation, messageOf, oneOf, readFeeder, text, type ValidBody } from './order.ts';
import {
  decimal,
  kw,
  measure,
  price,
  range,
  readDecimal,
  readKw,
  readPrice,
  readRange,
  readSeconds,
  seconds,
} from './quantity.ts';
import { findTags, requireTags, tagGroup } from './tags.ts';
import type { WireCatalog, WireFulfillment, WireItem, WireLocation, WireProvider } from './wire.ts';

const LOAD_TYPES: readonly (readonly [DeviceType, string])[] = [
  ['battery', 'BATTERY'],
  ['ev-charger', 'EV_CHARGER'],
  ['heat-pump', 'HEAT_PUMP'],
  // Read only: other heating and cooling behaves like a heat pump, comfort band and rebound included.
  ['heat-pump', 'HVAC'],
];
const CATEGORY = 'auto-flex';
const PAYMENT = 'settlement';

/**
 * No offers and nothing left out make a catalogue without providers, which is a valid answer: nothing to sell. Where
 * devices are left out and nothing else is there, the provider stands without items and says why.
 */
export function encodeCatalogue(
  providerId: string,
  providerName: string,
  offers: readonly FlexOffer[],
  leftOut: readonly LeftOut[] = [],
): { catalog: WireCatalog } {
  const catalog: WireCatalog = { descriptor: { name: `${providerName} flexibility` } };
  const told = leftOut.filter(({ reasons }) => reasons.length > 0);
  if (offers.length + told.length > 0) catalog.providers = [provider(providerId, providerName, offers, told)];
  return { catalog };
}

function provider(id: string, name: string, offers: readonly FlexOffer[], leftOut: readonly LeftOut[]): WireProvider {
  const feeders = [...new Set([...offers, ...leftOut].map(({ feederId }) => feederId))];
  const fulfillments = new Map([
    ...leftOut.map((one) => [one.fulfillmentId, offeredFulfillment(one, one.window)] as const),
    ...offers.map((offer) => [offer.fulfillmentId, offeredFulfillment(offer, offer.availability)] as const),
  ]);
  for (const { fulfillmentId, reasons } of leftOut) fulfillments.get(fulfillmentId)!.tags = [leftOutTags(reasons)];
  return {
    id,
    descriptor: { name },
    categories: [{ id: CATEGORY, descriptor: { code: 'AUTO_FLEX', name: 'Automated demand flexibility' } }],
    locations: feeders.map((feeder) => ({ id: feeder, ...feederLocation(feeder) })),
    fulfillments: [...fulfillments.values()],
    payments: [{ id: PAYMENT, collected_by: 'BAP', type: 'POST-FULFILLMENT', status: 'NOT-PAID' }],
    items: offers.map(item),
  };
}

function offeredFulfillment(
  { fulfillmentId, feederId }: Pick<FlexOffer, 'fulfillmentId' | 'feederId'>,
  window: TimeWindow,
): WireFulfillment {
  return {
    id: fulfillmentId,
    type: 'DIGITAL',
    stops: [{ type: 'START', time: { range: range(window) }, location: feederLocation(feederId) }],
  };
}

function item(offer: FlexOffer): WireItem {
  const loadType = LOAD_TYPES.find(([deviceType]) => deviceType === offer.deviceType)?.[1];
  return {
    id: offer.itemId,
    descriptor: { name: `${loadType} on ${offer.feederId}`, code: offer.direction },
    category_ids: [CATEGORY],
    fulfillment_ids: [offer.fulfillmentId],
    location_ids: [offer.feederId],
    payment_ids: [PAYMENT],
    price: price(offer.priceGbpPerKwh),
    quantity: {
      available: measure(offer.availableKw),
      minimum: measure(offer.minimumKw),
      maximum: measure(offer.availableKw),
      unitized: measure(offer.stepKw),
    },
    time: { label: 'AVAILABILITY', range: range(offer.availability) },
    tags: [
      tagGroup('technical-parameters', {
        'load-type': loadType,
        'response-time': seconds(offer.responseSeconds),
        'minimum-notice': seconds(offer.minimumNoticeSeconds),
        'max-duration': seconds(offer.maxDurationSeconds),
        'max-events-per-day': decimal(offer.maxEventsPerDay, 0),
        'ramp-rate-kw-per-min': kw(offer.rampKwPerMinute),
      }),
      tagGroup('baseline', { method: offer.baselineMethod, 'baseline-kw': kw(offer.baselineKw) }),
      tagGroup('price-basis', { unit: 'kWh', 'incentive-type': 'PER_KWH_REDUCED' }),
      tagGroup('reliability', {
        score: decimal(offer.reliability, 4),
        'events-completed': decimal(offer.eventsCompleted, 0),
      }),
    ],
  };
}

/** @param bppId the verified signer of the catalogue */
export function decodeCatalogue(bppId: SubscriberId, body: ValidBody): FlexOffer[] {
  const { catalog } = messageOf<{ catalog?: WireCatalog }>(body);
  return (catalog?.providers ?? []).flatMap((wire, index) => {
    const path = `/message/catalog/providers/${index}`;
    return readProvider(bppId, wire, path);
  });
}

function readProvider(bppId: SubscriberId, wire: WireProvider, path: string): FlexOffer[] {
  const providerId = text(wire.id, `${path}/id`);
  const locations = new Map((wire.locations ?? []).map((location) => [location.id, location]));
  const fulfillments = new Set((wire.fulfillments ?? []).map((each) => each.id));
  const seen = new Set<string>();
  return (wire.items ?? []).map((each, index) => {
    const at = `${path}/items/${index}`;
    const offer = { bppId, providerId, ...readBlock(each, locations, at), ...readTerms(each, at) };
    if (!fulfillments.has(offer.fulfillmentId)) {
      throw new CodecError(`${at}/fulfillment_ids/0`, `the provider has no fulfilment ${offer.fulfillmentId}`, '30004');
    }
    if (seen.has(offer.itemId)) throw new CodecError(`${at}/id`, `item ${offer.itemId} stands twice`, '30004');
    seen.add(offer.itemId);
    return offer;
  });
}

function readBlock(wire: WireItem, locations: ReadonlyMap<string | undefined, WireLocation>, at: string) {
  const locationId = wire.location_ids?.[0];
  const quantity = wire.quantity;
  return {
    itemId: text(wire.id, `${at}/id`),
    fulfillmentId: text(wire.fulfillment_ids?.[0], `${at}/fulfillment_ids/0`),
    feederId: readFeeder(locations.get(locationId), `${at}/location_ids/0`),
    direction: oneOf(DIRECTIONS, wire.descriptor?.code, `${at}/descriptor/code`),
    availableKw: readKw(quantity?.available, `${at}/quantity/available`),
    minimumKw: quantity?.minimum ? readKw(quantity.minimum, `${at}/quantity/minimum`) : 0,
    stepKw: quantity?.unitized ? readKw(quantity.unitized, `${at}/quantity/unitized`) : 0,
    priceGbpPerKwh: readPrice(wire.price, `${at}/price`),
    availability: readRange(wire.time, `${at}/time`),
  };
}

function readTerms(wire: WireItem, at: string) {
  const technical = requireTags(wire.tags, 'technical-parameters', `${at}/tags`);
  const baseline = requireTags(wire.tags, 'baseline', `${at}/tags`);
  const reliability = findTags(wire.tags, 'reliability', `${at}/tags`);
  const time = (code: string) => readSeconds(technical.required(code), technical.path(code));
  const number = (code: string) => readDecimal(technical.required(code), technical.path(code));
  return {
    deviceType: readDeviceType(technical.required('load-type'), technical.path('load-type')),
    responseSeconds: time('response-time'),
    minimumNoticeSeconds: time('minimum-notice'),
    maxDurationSeconds: time('max-duration'),
    maxEventsPerDay: number('max-events-per-day'),
    rampKwPerMinute: number('ramp-rate-kw-per-min'),
    baselineMethod: baseline.required('method'),
    baselineKw: readDecimal(baseline.required('baseline-kw'), baseline.path('baseline-kw')),
    reliability: readDecimal(reliability?.optional('score') ?? '0', `${at}/tags`),
    eventsCompleted: readDecimal(reliability?.optional('events-completed') ?? '0', `${at}/tags`),
  };
}

function readDeviceType(loadType: string, path: string): DeviceType {
  const found = LOAD_TYPES.find(([, code]) => code === loadType)?.[0];
  if (found === undefined) {
    const known = LOAD_TYPES.map(([, code]) => code).join(', ');
    throw new CodecError(path, `expected a load type of ${known}, got ${JSON.stringify(loadType)}`);
  }
  return found;
}
