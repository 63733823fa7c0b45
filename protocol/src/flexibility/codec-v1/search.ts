/** search: one need. */
import { eventId } from '../../beckn/identifiers.ts';
import { CodecError } from '../codec-error.ts';
import type { FlexNeed } from '../model.ts';
import { DIRECTIONS, feederLocation, identify, messageOf, oneOf, readFeeder, type ValidBody } from './order.ts';
import { decimal, measure, pounds, range, readDecimal, readKw, readRange, readSeconds, seconds } from './quantity.ts';
import { findTags, tagGroup } from './tags.ts';
import type { WireIntent } from './wire.ts';

/** A limit that is infinite is left out, and read back as infinite. */
export function encodeSearch(need: FlexNeed): { intent: WireIntent } {
  const time = { range: range(need.window) };
  return {
    intent: {
      descriptor: { name: `Feeder relief ${need.feederId}` },
      category: { descriptor: { code: 'AUTO_FLEX' } },
      item: { descriptor: { code: need.direction }, quantity: { selected: measure(need.requestedKw) }, time },
      fulfillment: { type: 'DIGITAL', stops: [{ type: 'START', time, location: feederLocation(need.feederId) }] },
      payment: { type: 'POST-FULFILLMENT', collected_by: 'BAP' },
      tags: [
        tagGroup('event-details', {
          'event-id': need.eventId,
          'max-price': Number.isFinite(need.maxPriceGbpPerKwh) ? pounds(need.maxPriceGbpPerKwh) : undefined,
          'min-reliability': decimal(need.minReliability, 4),
          'max-response-time': Number.isFinite(need.maxResponseSeconds) ? seconds(need.maxResponseSeconds) : undefined,
          'intervention-class': need.interventionClass,
        }),
      ],
    },
  };
}

/**
 * A need that names no event is told apart by its transaction; one that names a circle instead of a feeder is a
 * CodecError (30008): blocks are found by feeder.
 */
export function decodeSearch(body: ValidBody): FlexNeed {
  const { intent = {} } = messageOf<{ intent?: WireIntent }>(body);
  const at = '/message/intent';
  const tags = findTags(intent.tags, 'event-details', `${at}/tags`);
  const stop = intent.fulfillment?.stops?.[0];
  const stopPath = `${at}/fulfillment/stops/0`;
  if (stop?.location?.descriptor === undefined && stop?.location?.circle !== undefined) {
    throw new CodecError(`${stopPath}/location`, 'blocks are found by feeder: name one as feeder:<feederId>', '30008');
  }
  const maxPrice = tags?.optional('max-price');
  const maxResponse = tags?.optional('max-response-time');
  const minReliability = tags?.optional('min-reliability');
  return {
    eventId: identify(eventId, tags?.optional('event-id') ?? body.context.transaction_id, `${at}/tags`),
    feederId: readFeeder(stop?.location, `${stopPath}/location`),
    direction: oneOf(DIRECTIONS, intent.item?.descriptor?.code, `${at}/item/descriptor/code`),
    requestedKw: readKw(intent.item?.quantity?.selected, `${at}/item/quantity/selected`),
    window: readRange(intent.item?.time ?? stop?.time, `${at}/item/time`),
    maxPriceGbpPerKwh:
      maxPrice === undefined ? Number.POSITIVE_INFINITY : readDecimal(maxPrice, tags?.path('max-price') ?? at),
    minReliability: minReliability === undefined ? 0 : readDecimal(minReliability, `${at}/tags`),
    maxResponseSeconds: maxResponse === undefined ? Number.POSITIVE_INFINITY : readSeconds(maxResponse, `${at}/tags`),
    interventionClass: oneOf(
      ['INCENTIVE', 'EMERGENCY'],
      tags?.optional('intervention-class') ?? 'INCENTIVE',
      `${at}/tags`,
    ),
  };
}
