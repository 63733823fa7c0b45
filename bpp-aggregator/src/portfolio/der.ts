/** A distributed energy resource of the portfolio and what is known of it now. Powers are kW, import positive. */
import type { DerId, FeederId } from '@flexder/protocol/beckn/identifiers.ts';
import type { DeviceType, TimeWindow } from '@flexder/protocol/flexibility/model.ts';

/** `ask`: the consumer is asked before each use. */
export type ConsentMode = 'automatic' | 'ask';

/** Control is allowed from, until; grid time, epoch milliseconds. */
export interface Consent {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly mode: ConsentMode;
}

/** What the contract with the household or site says. */
export interface PortfolioDer {
  readonly derId: DerId;
  readonly type: DeviceType;
  readonly feederId: FeederId;
  readonly ratedKw: number;
  /** 13-digit pseudonymous MSID of the import meter, and of the export meter where there is one. */
  readonly importMsid: string;
  readonly exportMsid: string | null;
  /** As the contract gave it; automatic unless it says otherwise. What the consumer decided since is in the tables. */
  readonly consent: Omit<Consent, 'mode'> & Partial<Pick<Consent, 'mode'>>;
  /** Medical or other essential use: never controlled. */
  readonly essential: boolean;
}

export interface PowerSample {
  readonly atMs: number;
  readonly powerKw: number;
}

/** From birth, state and telemetry; never persisted as such, rebuilt from retained states and stored readings. */
export interface LiveState {
  readonly online: boolean;
  /** Grid time of the newest reading; null before the first. */
  readonly readAtMs: number | null;
  readonly powerKw: number;
  /** What the device said it could shed now, cut to what it can possibly shed. */
  readonly shedKw: number;
  /** Newest last, at most five minutes. */
  readonly recent: readonly PowerSample[];
}

/** What the database keeps of a device beside its contract. */
export interface DerRecord {
  /** Number within this aggregator's database. */
  readonly derNo: number;
  /** Activations this device was asked for and those it accepted. */
  readonly asked: number;
  readonly accepted: number;
  /** It opted out of an event that lasts until then; grid time. */
  readonly optedOutUntilMs: number;
  /** As it holds now, withdrawals included. */
  readonly consent: Consent;
  /** What it is subscribed to; a device that is not is not offered. */
  readonly programmeId: string | null;
  /** It stopped answering: not offered until somebody has seen to it. Grid time. */
  readonly maintenanceSinceMs: number | null;
}

export interface FleetDer extends Omit<PortfolioDer, 'consent'>, DerRecord {
  readonly live: LiveState;
}

export const UNSEEN: LiveState = { online: false, readAtMs: null, powerKw: 0, shedKw: 0, recent: [] };

/**
 * A claim to shed is believed up to what physics allows: a load cannot shed more than it draws, a battery not more
 * than it draws plus its rating. A device that reports more is wrong or lying, and its surplus must not be sold.
 */
export function believableShedKw(der: Pick<PortfolioDer, 'type' | 'ratedKw'>, powerKw: number, claimedKw: number) {
  const possibleKw = der.type === 'battery' ? powerKw + der.ratedKw : powerKw;
  return Math.max(0, Math.min(claimedKw, possibleKw));
}

/** Mean power over the five minutes before `atMs`; the last known power when there is no sample in them. */
export function meanPowerKw(live: LiveState, atMs: number, overMs: number): number {
  const samples = live.recent.filter((sample) => sample.atMs > atMs - overMs && sample.atMs <= atMs);
  if (samples.length === 0) return live.powerKw;
  return samples.reduce((sum, sample) => sum + sample.powerKw, 0) / samples.length;
}

/** Weight of the prior, in activations: how many answers it takes before a device's own record counts as much. */
const PRIOR_ACTIVATIONS = 20;
const PRIOR_RELIABILITY = 0.95;

/** Expected share of activations this device accepts: its record, drawn towards the prior while it is short. */
export function reliabilityOf(record: { readonly asked: number; readonly accepted: number }): number {
  return (record.accepted + PRIOR_RELIABILITY * PRIOR_ACTIVATIONS) / (record.asked + PRIOR_ACTIVATIONS);
}

export function overlaps(a: TimeWindow, b: TimeWindow): boolean {
  return a.startMs < b.endMs && b.startMs < a.endMs;
}
