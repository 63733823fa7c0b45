/**
 * One verdict per message, device message or record. The first fault ends the check, so that a hostile body
 * cannot make it long; the verdict says where the fault is and what was expected there.
 */

import { explain, type Fault } from './explain.ts';
import { beckn, device, record, stream, type Validate } from './generated/validators.js';

export type { Fault } from './explain.ts';
export type Verdict = { valid: true } | { valid: false; errors: Fault[] };
export type DeviceKind = 'birth' | 'state' | 'cmd' | 'ack' | 'telemetry' | 'feeder-telemetry';
export type StreamKind =
  | 'feeder-telemetry'
  | 'feeder-reading'
  | 'overload-detected'
  | 'anomaly-changed'
  | 'weather-forecast'
  | 'overload-changed'
  | 'order-changed'
  | 'alarm-raised'
  | 'alarm-acknowledged'
  | 'feeder-sample'
  | 'audit-record';
export type RecordKind =
  | 'audit-bundle'
  | 'audit-checkpoint'
  | 'audit-record'
  | 'settlement-row'
  | 'meter-document'
  | 'live-order';

/** Checks the body of a Beckn 1.1 message against the schema of `action`; an unknown action is invalid. */
export function validateBeckn(action: string, body: unknown): Verdict {
  const validate = beckn.get(action);
  if (validate !== undefined) return verdict(validate, body);
  const message = `unknown action; expected one of ${[...beckn.keys()].join(', ')}`;
  return { valid: false, errors: [{ path: '/context/action', code: 'SCH_INVALID_FORMAT', message }] };
}

export function validateDevice(kind: DeviceKind, body: unknown): Verdict {
  return verdict(known(device, kind), body);
}

export function validateRecord(kind: RecordKind, body: unknown): Verdict {
  return verdict(known(record, kind), body);
}

/** Checks the value of a stream message against the schema `name`; an unknown one throws RangeError. */
export function validateStream(name: StreamKind, body: unknown): Verdict {
  if (name === 'feeder-telemetry') return validateDevice(name, body);
  if (name === 'audit-record') return validateRecord(name, body);
  return verdict(known(stream, name), body);
}

function known(validators: ReadonlyMap<string, Validate>, kind: string): Validate {
  const validate = validators.get(kind);
  if (validate === undefined) throw new RangeError(`no schema for ${kind}`);
  return validate;
}

function verdict(validate: Validate, body: unknown): Verdict {
  if (validate(body)) return { valid: true };
  return { valid: false, errors: [explain(validate.errors ?? [])] };
}
