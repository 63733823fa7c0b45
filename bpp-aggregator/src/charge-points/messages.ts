/** What both versions of OCPP have in common: what a message of a charge point changes, and how it is answered. */
import type { DeviceTelemetry } from '@flexder/schemas/types.ts';
import { OCPP_LIMITS } from './limits.ts';
import { type MeterValue, sampleOf } from './samples.ts';
import type { Station } from './station.ts';

/** A connection as its messages see it. */
export interface Speaker {
  readonly station: Station;
  /** Grid time. */
  nowMs(): number;
  /** Whether a limit of ours holds. */
  dispatched(): boolean;
  /** A reading, or why a message made none. */
  heard(reading: DeviceTelemetry | string): void;
  /** A number for a transaction that nobody has. */
  transactionId(): number;
}

// Every message has passed the schema of its version before it comes here.
// biome-ignore lint/suspicious/noExplicitAny: 60 kinds of messages, of which each handler reads a few members.
export type Payload = any;
export type Handler = (message: Payload, speaker: Speaker) => object;
export type Handlers = Readonly<Record<string, Handler>>;

export const accepted = { status: 'Accepted' };

/** Samples of one connector, oldest first; a backlog beyond the bound loses its oldest. */
export function take(speaker: Speaker, connectorId: number, values: readonly MeterValue[]): void {
  const samples = values
    .slice(-OCPP_LIMITS.samplesPerMessage)
    .flatMap((value) => sampleOf(value) ?? [])
    .sort((a, b) => a.atMs - b.atMs);
  for (const sample of samples) speaker.heard(speaker.station.take(connectorId, sample, speaker.dispatched()));
}

export function booted(_message: Payload, speaker: Speaker) {
  return { ...accepted, currentTime: new Date(speaker.nowMs()).toISOString(), interval: OCPP_LIMITS.heartbeatS };
}

export function alive(_message: Payload, speaker: Speaker) {
  return { currentTime: new Date(speaker.nowMs()).toISOString() };
}

/** Told, and of no use here. */
export const noted = () => ({});
