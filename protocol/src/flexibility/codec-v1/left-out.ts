/** on_search: devices that a catalogue leaves out, counted by reason at the fulfilment of their feeder. */
import { CodecError } from '../codec-error.ts';
import type { LeftOut, LeftOutCount } from '../model.ts';
import { messageOf, readFeeder, text, type ValidBody } from './order.ts';
import { decimal, kw, readDecimal, readRange } from './quantity.ts';
import type { WireCatalog, WireFulfillment, WireProvider, WireTagGroup } from './wire.ts';

/** Reasons that one group may have; the schema has the same bound. */
export const LEFT_OUT_REASONS_TOLD = 32;

const GROUP = 'devices-left-out';

/** Throws RangeError beyond LEFT_OUT_REASONS_TOLD. */
export function leftOutTags(reasons: readonly LeftOutCount[]): WireTagGroup {
  if (reasons.length > LEFT_OUT_REASONS_TOLD) throw new RangeError(`${reasons.length} reasons to leave devices out`);
  const list = reasons.map(({ reason, devices, ratedKw }) => ({
    descriptor: { code: reason },
    value: `${decimal(devices, 0)} ${kw(ratedKw)}`,
  }));
  return { descriptor: { code: GROUP }, display: true, list };
}

/** What a catalogue says it left out; nothing where it does not say. A feeder or a reason told twice is a CodecError. */
export function decodeLeftOut(body: ValidBody): LeftOut[] {
  const { catalog } = messageOf<{ catalog?: WireCatalog }>(body);
  return (catalog?.providers ?? []).flatMap((provider, index) =>
    readProvider(provider, `/message/catalog/providers/${index}`),
  );
}

function readProvider({ fulfillments = [], locations = [] }: WireProvider, path: string): LeftOut[] {
  const places = new Map(locations.map((location) => [location.id, location]));
  const seen = new Set<string>();
  return fulfillments.flatMap((wire, index) => {
    const at = `${path}/fulfillments/${index}`;
    const groupAt = (wire.tags ?? []).findIndex(({ descriptor }) => descriptor.code === GROUP);
    const group = wire.tags?.[groupAt];
    if (!group) return [];
    const { stop, stopAt } = startOf(wire, at);
    const { location } = stop;
    const feederId = readFeeder(location?.descriptor ? location : places.get(location?.id), `${stopAt}/location`);
    // The same devices would count twice.
    if (seen.has(feederId)) throw new CodecError(`${at}/tags/${groupAt}`, `${feederId} has been told of already`);
    seen.add(feederId);
    return [
      {
        ...{ feederId, fulfillmentId: text(wire.id, `${at}/id`) },
        window: readRange(stop.time, `${stopAt}/time`),
        reasons: readReasons(group, `${at}/tags/${groupAt}/list`),
      },
    ];
  });
}

function startOf({ stops = [] }: WireFulfillment, at: string) {
  const index = stops.findIndex(({ type }) => type === 'START');
  const stop = stops[index];
  if (!stop) throw new CodecError(`${at}/stops`, 'a stop of type START is needed here');
  return { stop, stopAt: `${at}/stops/${index}` };
}

function readReasons({ list }: WireTagGroup, path: string): LeftOutCount[] {
  const seen = new Set<string>();
  return list.map(({ descriptor: { code }, value }, index) => {
    if (seen.has(code)) throw new CodecError(`${path}/${index}/descriptor/code`, `reason ${code} stands twice`);
    seen.add(code);
    const [devices, ratedKw] = value.split(' ');
    const number = (digits: string | undefined) => readDecimal(digits, `${path}/${index}/value`);
    return { reason: code, devices: number(devices), ratedKw: number(ratedKw) };
  });
}
