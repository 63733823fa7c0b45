import type { LeftOutReason } from '@flexder/protocol/flexibility/left-out.ts';
import type { TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import type { Programme } from '../enrolment/document.ts';
import type { Question } from '../enrolment/questions.ts';
import type { Consent, FleetDer } from './der.ts';

/**
 * Why a device is left out of an offer; in the order they are asked, so that the first reason is the firmest. The DSO is
 * told of them by these codes.
 */
export const EXCLUSIONS = [
  'essential-use',
  'excluded-by-dso',
  'not-subscribed',
  'not-in-programme',
  'programme-notice',
  'consent-not-begun',
  'consent-expired',
  'consent-too-short',
  'maintenance',
  'opted-out',
  'offline',
  'stale-telemetry',
  'committed',
  'events-per-day',
  'nothing-to-shed',
  'consent-not-asked',
  'consent-asked',
  'consent-unanswered',
  'consent-declined',
] as const satisfies readonly LeftOutReason[];
export type Exclusion = (typeof EXCLUSIONS)[number];

export interface EligibilityRules {
  readonly telemetryMaxAgeMs: number;
  readonly maxEventsPerDay: number;
  readonly programmes: Pick<ReadonlyMap<string, Programme>, 'get'>;
  /** Ids of devices that the DSO will not have in the order. */
  readonly excluded?: ReadonlySet<string>;
}

/** What the database knows of a device for one window. */
export interface Usage {
  /** Held by a quote or an order whose window overlaps. */
  readonly held: boolean;
  /** Activations committed on the settlement date of the window. */
  readonly eventsThatDay: number;
  /** Of a consumer who wants to be asked, about this window. */
  readonly question?: Question | undefined;
}

/** Under this a device adds nothing that a meter would show. */
const LEAST_SHED_KW = 0.05;

/** The reason `der` may not serve `window`, or undefined when it may. `nowMs` is grid time. */
export function exclusionOf(
  der: FleetDer,
  usage: Usage,
  window: TimeWindow,
  nowMs: number,
  rules: EligibilityRules,
): Exclusion | undefined {
  if (der.essential) return 'essential-use';
  if (rules.excluded?.has(der.derId)) return 'excluded-by-dso';
  const programme = der.programmeId === null ? undefined : rules.programmes.get(der.programmeId);
  if (!programme) return 'not-subscribed';
  if (!programme.deviceTypes.includes(der.type)) return 'not-in-programme';
  const noticeMs = programme.minimumNoticeSeconds * 1000;
  if (noticeMs > 0 && window.startMs - nowMs < noticeMs) return 'programme-notice';
  const withoutConsent = unlessConsented(der.consent, window, nowMs);
  if (withoutConsent) return withoutConsent;
  if (der.maintenanceSinceMs !== null) return 'maintenance';
  if (der.optedOutUntilMs > window.startMs) return 'opted-out';
  if (!der.live.online) return 'offline';
  if (der.live.readAtMs === null || nowMs - der.live.readAtMs > rules.telemetryMaxAgeMs) return 'stale-telemetry';
  if (usage.held) return 'committed';
  if (usage.eventsThatDay >= Math.min(rules.maxEventsPerDay, programme.maxEventsPerDay)) return 'events-per-day';
  if (der.live.shedKw < LEAST_SHED_KW) return 'nothing-to-shed';
  return der.consent.mode === 'ask' ? unlessAgreed(usage.question, nowMs) : undefined;
}

/** A withdrawn consent is one that has ended. */
function unlessConsented({ fromMs, untilMs }: Consent, window: TimeWindow, nowMs: number): Exclusion | undefined {
  if (untilMs <= nowMs) return 'consent-expired';
  if (fromMs > Math.min(nowMs, window.startMs)) return 'consent-not-begun';
  return untilMs < window.endMs ? 'consent-too-short' : undefined;
}

/** Last of all: nobody is asked about a device that could not be used anyway. */
function unlessAgreed(question: Question | undefined, nowMs: number): Exclusion | undefined {
  if (!question) return 'consent-not-asked';
  if (question.answer === 'yes') return undefined;
  if (question.answer === 'no') return 'consent-declined';
  return nowMs < question.answerByMs ? 'consent-asked' : 'consent-unanswered';
}

export interface Eligibility {
  readonly eligible: readonly FleetDer[];
  readonly excluded: readonly { readonly derId: string; readonly reason: Exclusion }[];
}

export function eligibleFor(
  ders: readonly FleetDer[],
  usageOf: (derNo: number) => Usage,
  window: TimeWindow,
  nowMs: number,
  rules: EligibilityRules,
): Eligibility {
  const eligible: FleetDer[] = [];
  const excluded: { derId: string; reason: Exclusion }[] = [];
  for (const der of ders) {
    const reason = exclusionOf(der, usageOf(der.derNo), window, nowMs, rules);
    if (reason === undefined) eligible.push(der);
    else excluded.push({ derId: der.derId, reason });
  }
  return { eligible, excluded };
}

/** How many devices each reason keeps out, as a record says it: `offline 3, consent 1`. */
export function summariseExclusions(excluded: Eligibility['excluded']): string {
  return EXCLUSIONS.map((reason) => ({ reason, count: excluded.filter((one) => one.reason === reason).length }))
    .filter(({ count }) => count > 0)
    .map(({ reason, count }) => `${reason} ${count}`)
    .join(', ');
}
