/**
 * What the DSO can know of a consumer's consent: it is a matter between consumer and aggregator, and shows only in what
 * the aggregator did with the device in its last order.
 */
import { CONSENT_WITHDRAWN } from '@flexder/protocol/flexibility/model.ts';
import type { DerOrder } from '../../ders/tables.ts';

export interface ConsentTold {
  /**
   * `valid`: the aggregator commanded the device for its last order, which it must not without a consent. `withdrawn`: it
   * let go of the device, since the consent was withdrawn. `unknown`: no order yet, or an opt-out without a reason.
   */
  readonly state: 'valid' | 'withdrawn' | 'unknown';
  /** When the window of that order begins; grid time. */
  readonly atMs: number | null;
}

/** @param recent its orders, the newest first */
export function consentOf([last]: readonly Pick<DerOrder, 'answer' | 'reason' | 'atMs'>[]): ConsentTold {
  if (!last) return { state: 'unknown', atMs: null };
  const { answer, reason, atMs } = last;
  if (reason === CONSENT_WITHDRAWN) return { state: 'withdrawn', atMs };
  return { state: answer === 'OPTED_OUT' ? 'unknown' : 'valid', atMs };
}
