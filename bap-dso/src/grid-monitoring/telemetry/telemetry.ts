/** What a feeder's RTU says, admitted or refused by name. Pure: nothing a message holds can throw or stop a feeder. */
import { parseTopic } from '@flexder/runtime/engines/bus/topics.ts';
import type { FeederTelemetry } from '@flexder/schemas/types.ts';
import type { Verdict } from '@flexder/schemas/validators.ts';
import { TELEMETRY_FUTURE_MS, TELEMETRY_MAX_BYTES } from '../../limits.ts';
import type { Sample } from '../detection/detection.ts';

export type Refusal =
  | 'topic'
  | 'unknown-feeder'
  | 'flood'
  | 'too-large'
  | 'invalid-json'
  | 'schema'
  | 'bad-quality'
  | 'feeder-mismatch'
  | 'duplicate'
  | 'out-of-order'
  | 'future'
  | 'impossible'
  | 'unit-confused';

export interface AdmittedSample extends Sample {
  readonly feederId: string;
}

export type Admission =
  | { readonly admitted: true; readonly sample: AdmittedSample }
  | {
      readonly admitted: false;
      readonly reason: Refusal;
      readonly feederId?: string;
      /** Present when the value itself is the reason. */
      readonly powerKw?: number;
    };

export interface AdmissionRules {
  readonly dsoId: string;
  readonly nowMs: number;
  /** The instant of the feeder's latest sample; undefined before the first; null for a feeder that is not ours. */
  lastAtMs(feederId: string): number | undefined | null;
  /** Whether it keeps within its share of messages; asked once a message. */
  mayHear(feederId: string): boolean;
  /** Why a value cannot be the load of this feeder; undefined for one that can. */
  implausible?(feederId: string, powerKw: number, atMs: number): 'impossible' | 'unit-confused' | undefined;
  validate(body: unknown): Verdict;
}

/** What came over the device bus. The feeder is the one of the topic, which the broker's access list guards; the payload must agree with it. */
export function admitMessage(topic: string, payload: Uint8Array, rules: AdmissionRules): Admission {
  const parsed = parseTopic(topic);
  if (parsed?.family !== 'grid' || parsed.dsoId !== rules.dsoId) return { admitted: false, reason: 'topic' };
  const { feederId } = parsed;
  if (rules.lastAtMs(feederId) === null) return { admitted: false, reason: 'unknown-feeder' };
  if (!rules.mayHear(feederId)) return { admitted: false, reason: 'flood', feederId };
  if (payload.byteLength > TELEMETRY_MAX_BYTES) return { admitted: false, reason: 'too-large', feederId };
  const body = parse(payload);
  return body === undefined
    ? { admitted: false, reason: 'invalid-json', feederId }
    : admitReading(feederId, body, rules);
}

/** A reading of the feeder that its topic or key names: the checks that every source has in common. */
export function admitReading(
  feederId: string,
  body: unknown,
  rules: Omit<AdmissionRules, 'dsoId' | 'mayHear'>,
): Admission {
  const lastAtMs = rules.lastAtMs(feederId);
  if (lastAtMs === null) return { admitted: false, reason: 'unknown-feeder' };
  const refuse = (reason: Refusal): Admission => ({ admitted: false, reason, feederId });
  if (!rules.validate(body).valid) return refuse('schema');
  const telemetry = body as FeederTelemetry;
  if (telemetry.feeder_id !== feederId) return refuse('feeder-mismatch');
  if (telemetry.quality === 'BAD') return refuse('bad-quality');
  const atMs = Date.parse(telemetry.ts);
  if (atMs > rules.nowMs + TELEMETRY_FUTURE_MS) return refuse('future');
  if (lastAtMs !== undefined && atMs === lastAtMs) return refuse('duplicate');
  if (lastAtMs !== undefined && atMs < lastAtMs) return refuse('out-of-order');
  const { power_kw: powerKw, quality, transformers_out: out } = telemetry;
  const reason = rules.implausible?.(feederId, powerKw, atMs);
  if (reason) return { admitted: false, reason, feederId, powerKw };
  return { admitted: true, sample: { feederId, atMs, powerKw, quality, ...(out?.length && { transformersOut: out }) } };
}

function parse(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    return undefined;
  }
}
