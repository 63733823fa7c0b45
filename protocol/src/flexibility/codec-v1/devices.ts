/** Single devices on the wire: those an order must do without, and what each that was commanded answered. */
import { derId } from '../../beckn/identifiers.ts';
import { CodecError } from '../codec-error.ts';
import type { DeviceAnswer, DeviceAnswers } from '../model.ts';
import { FULFILLMENT, identify, oneOf, orderOf, type ValidBody } from './order.ts';
import { kw, readDecimal } from './quantity.ts';
import type { WireTagGroup } from './wire.ts';

/** Devices that one request may exclude; the schema has the same bound. */
export const EXCLUDED_DEVICES = 200;
/** Devices that one report may name: what a list of a message may hold, and half of what a body may weigh. */
export const NAMED_DEVICES = 1_000;

const EXCLUDED = 'excluded-devices';

/** Tags of an order; none where nothing is excluded. Throws RangeError beyond EXCLUDED_DEVICES. */
export function excludedTags(derIds: readonly string[] = []): WireTagGroup[] {
  if (derIds.length > EXCLUDED_DEVICES) throw new RangeError(`${derIds.length} devices excluded of one order`);
  if (derIds.length === 0) return [];
  const list = derIds.map((value) => ({ descriptor: { code: 'der-id' }, value }));
  return [{ descriptor: { code: EXCLUDED }, display: true, list }];
}

/** Devices that a select, init, confirm or update says must not be commanded for its order. */
export function decodeExcludedDevices(body: ValidBody): readonly string[] {
  const path = '/message/order/tags';
  const group = (orderOf(body).tags ?? []).find(({ descriptor }) => descriptor.code === EXCLUDED);
  return [...new Set(group?.list.map(({ value }) => identify(derId, value, path)))];
}

const CODES: Readonly<Record<DeviceAnswer, string>> = {
  ACCEPTED: 'accepted',
  REJECTED: 'rejected',
  OPTED_OUT: 'opted-out',
  EXPIRED: 'expired',
  SILENT: 'silent',
};
const ANSWERS = Object.keys(CODES) as DeviceAnswer[];
const DEVICE_TYPES = ['battery', 'ev-charger', 'heat-pump'] as const;

/** None where no device is known; the first NAMED_DEVICES otherwise, the group `dispatch` counts them all. */
export function answerTags(answers: DeviceAnswers): WireTagGroup[] {
  if (answers.length === 0) return [];
  const list = answers.slice(0, NAMED_DEVICES).map((one) => ({
    descriptor: { code: CODES[one.answer] },
    value: [one.derId, one.deviceType, kw(one.askedKw), ...(one.reason === undefined ? [] : [one.reason])].join(' '),
  }));
  return [{ descriptor: { code: 'device-answers' }, display: true, list }];
}

/** Undefined where the report names no devices. A device that stands twice is a CodecError. */
export function readAnswers(groups: readonly WireTagGroup[] | undefined): DeviceAnswers | undefined {
  const group = groups?.find(({ descriptor }) => descriptor.code === 'device-answers');
  if (group === undefined) return undefined;
  const seen = new Set<string>();
  return group.list.map(({ descriptor, value }) => {
    const path = `${FULFILLMENT}/tags`;
    const [id, type, power, reason] = value.split(' ');
    const named = identify(derId, id, path);
    if (seen.has(named)) throw new CodecError(path, `device ${named} answers twice`);
    seen.add(named);
    const answer = ANSWERS.find((one) => CODES[one] === descriptor.code);
    if (!answer) throw new CodecError(path, `expected one of ${Object.values(CODES).join(', ')}`);
    return {
      ...{ derId: named, deviceType: oneOf(DEVICE_TYPES, type, path), askedKw: readDecimal(power, path), answer },
      ...(reason !== undefined && { reason }),
    };
  });
}
