import type { DeviceAck, DeviceBirth, DeviceCommand, DeviceState, DeviceTelemetry } from '@flexder/schemas/types.ts';
import { validateDevice } from '@flexder/schemas/validators.ts';
import { MAX_COMMAND_BYTES } from '../limits.ts';
import type { DerManifest } from '../model.ts';
import type { Physics } from '../physics/physics.ts';
import type { Answer } from './control.ts';

const FIRMWARE = 'sim-1.0.0';

function instant(atMs: number): string {
  return new Date(atMs).toISOString();
}

function round(value: number, digits: number): number {
  // Adding 0 turns -0 into 0, which JSON would write but no meter shows.
  return Number(value.toFixed(digits)) + 0;
}

export function birthOf(der: DerManifest, atMs: number, seq: number): DeviceBirth {
  return {
    v: 1,
    der_id: der.derId,
    device_type: der.type,
    feeder_id: der.feederId,
    ts: instant(atMs),
    seq,
    rated_kw: der.ratedKw,
    max_import_kw: der.ratedKw,
    max_export_kw: der.params.kind === 'battery' ? der.params.maxExportKw : 0,
    firmware: FIRMWARE,
  };
}

export function stateOf(der: DerManifest, status: DeviceState['status']): DeviceState {
  return { v: 1, der_id: der.derId, status };
}

export function ackOf(der: DerManifest, answer: Answer, atMs: number): DeviceAck {
  return {
    v: 1,
    command_id: answer.commandId,
    der_id: der.derId,
    sequence: answer.sequence,
    result: answer.result,
    ...(answer.reason && { reason: answer.reason }),
    ts: instant(atMs),
  };
}

export function telemetryOf(der: DerManifest, physics: Physics, seq: number, dispatched: boolean): DeviceTelemetry {
  const mode = dispatched ? 'DISPATCHED' : Math.abs(physics.powerKw) > 0.05 ? 'NORMAL' : 'IDLE';
  return {
    v: 1,
    der_id: der.derId,
    ts: instant(physics.atMs),
    seq,
    power_kw: round(physics.powerKw, 3),
    import_kwh: round(physics.importKwh, 4),
    export_kwh: round(physics.exportKwh, 4),
    // Rounded down: a device does not promise what it has not.
    available_down_kw: Math.floor(physics.availableDownKw() * 1000) / 1000,
    mode,
    quality: 'GOOD',
    ...(physics.soc !== undefined && { soc: round(physics.soc, 4) }),
    ...(physics.roomC !== undefined && { temperature_c: round(physics.roomC, 2) }),
  };
}

/** A command from the bus, or undefined when the bytes are none by the schema. */
export function readCommand(payload: Uint8Array): DeviceCommand | undefined {
  if (payload.byteLength > MAX_COMMAND_BYTES) return undefined;
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    return undefined;
  }
  return validateDevice('cmd', body).valid ? (body as DeviceCommand) : undefined;
}
