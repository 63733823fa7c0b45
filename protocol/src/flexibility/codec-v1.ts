/**
 * The one codec of Beckn 1.1: domain objects to `message` members and back. `encode*` return the `message`
 * member without the context; `decode*` take a whole body that passed its schema and throw a CodecError for what
 * a schema cannot say. A callback may carry only an error: look at `error` before decoding.
 */
export { CodecError } from './codec-error.ts';
export * from './codec-v1/after-sales.ts';
export * from './codec-v1/cancel.ts';
export * from './codec-v1/catalogue.ts';
export * from './codec-v1/confirm.ts';
export { decodeExcludedDevices, EXCLUDED_DEVICES, NAMED_DEVICES } from './codec-v1/devices.ts';
export {
  decodeInit,
  decodeOnInit,
  encodeInit,
  encodeOnInit,
  type InitAnswer,
  type InitialisedOrder,
  type InitRequest,
} from './codec-v1/init.ts';
export { decodeLeftOut, LEFT_OUT_REASONS_TOLD } from './codec-v1/left-out.ts';
export type { OrderEcho, ValidBody } from './codec-v1/order.ts';
export * from './codec-v1/search.ts';
export * from './codec-v1/select.ts';
export * from './codec-v1/status.ts';
export * from './codec-v1/update.ts';
