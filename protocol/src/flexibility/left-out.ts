/** Why an aggregator leaves devices out of its offers: codes that stay as they are, and what they mean for a person. */
import type { LeftOutCount } from './model.ts';

export const LEFT_OUT_REASONS = {
  'essential-use': 'essential use',
  'excluded-by-dso': 'excluded by the DSO',
  'not-subscribed': 'in no programme',
  'not-in-programme': 'not a type of its programme',
  'programme-notice': 'too slow: its programme needs more notice',
  'consent-not-begun': 'consent not begun',
  'consent-expired': 'consent expired or withdrawn',
  'consent-too-short': 'consent ends before the window',
  maintenance: 'flagged for maintenance',
  'opted-out': 'opted out',
  offline: 'offline',
  'stale-telemetry': 'no fresh reading',
  committed: 'sold already',
  'events-per-day': 'events of the day used up',
  'nothing-to-shed': 'draws nothing',
  'consent-not-asked': 'consumer not asked yet',
  'consent-asked': 'consumer asked, no answer yet',
  'consent-unanswered': 'consumer did not answer',
  'consent-declined': 'consumer said no',
  'below-minimum': 'too little for a block',
  'minimum-notice': 'too slow: the aggregator needs more notice',
  'maximum-duration': 'the window is too long',
  'window-over': 'the window is over',
  'other-direction': 'only turn down',
} as const;
export type LeftOutReason = keyof typeof LEFT_OUT_REASONS;

/** In plain words; a code that is not known speaks for itself. */
export function leftOutReasonText(reason: string): string {
  return Object.hasOwn(LEFT_OUT_REASONS, reason)
    ? LEFT_OUT_REASONS[reason as LeftOutReason]
    : reason.replaceAll('-', ' ');
}

/** Whether it is for want of a consent, or of a yes, that a device is left out. */
export const isForConsent = (reason: string): boolean => reason.startsWith('consent-');

/** Counts of the same reason added up, most devices first. */
export function addLeftOut(counts: readonly LeftOutCount[]): LeftOutCount[] {
  const sums = new Map<string, LeftOutCount>();
  for (const { reason, devices, ratedKw } of counts) {
    const before = sums.get(reason);
    sums.set(reason, {
      reason,
      devices: devices + (before?.devices ?? 0),
      ratedKw: roundKw(ratedKw + (before?.ratedKw ?? 0)),
    });
  }
  return [...sums.values()].sort((a, b) => b.devices - a.devices || (a.reason < b.reason ? -1 : 1));
}

/** `offline 7 (18 kW)`. */
export function leftOutCountText({ reason, devices, ratedKw }: LeftOutCount): string {
  return `${leftOutReasonText(reason)} ${devices} (${shownKw(ratedKw)} kW)`;
}

/** `12 devices, 31 kW rated: offline 7 (18 kW), essential use 5 (13 kW)`. */
export function leftOutText(counts: readonly LeftOutCount[]): string {
  const devices = counts.reduce((sum, count) => sum + count.devices, 0);
  const ratedKw = counts.reduce((sum, count) => sum + count.ratedKw, 0);
  return `${devices} device${devices === 1 ? '' : 's'}, ${shownKw(ratedKw)} kW rated: ${counts.map(leftOutCountText).join(', ')}`;
}

const roundKw = (kw: number) => Math.round(kw * 1_000) / 1_000;
const shownKw = (kw: number) => Math.round(kw * 10) / 10;
