/** Relief, once it is due: sample by sample against what was promised and what is needed. */
import { raiseAlarm } from '../flex-orchestration/alarms/alarms.ts';
import type { Desk } from '../flex-orchestration/desk.ts';
import type { OpenEvent, Purchase } from '../flex-orchestration/events/event.ts';
import { moveOverload } from '../flex-orchestration/events/overloads.ts';
import { rounded } from '../grid-monitoring/detection/detection.ts';
import type { MonitoredFeeder } from '../grid-monitoring/monitor.ts';
import { meanKw, type Reading } from '../grid-monitoring/telemetry/series.ts';
import { OPERATIONAL_BASELINE_MS } from '../limits.ts';
import { EMERGENCY_ESCALATION, RESPONSE_VERIFIED, ruleOf } from '../rules.ts';
import { topUpOf, topUpRecord } from './top-up.ts';
import { guardKw, type Judgement, judge } from './verification.ts';

/**
 * Mean of the five minutes before `atMs`; of a load that stepped up within them only what stood above the release
 * level counts, since the rest says nothing of the load that is relieved. The latest sample when there is none.
 */
export function operationalBaselineKw(feeder: MonitoredFeeder, atMs: number): number {
  const before = feeder.series.between(atMs - OPERATIONAL_BASELINE_MS, atMs);
  return rounded(baselineOf(before, feeder.releaseKw) ?? feeder.sample?.powerKw ?? 0);
}

/** Of the readings of those five minutes; undefined when there are none. */
export function baselineOf(before: readonly Reading[], releaseKw: number): number | undefined {
  return meanKw(before.filter(({ powerKw }) => powerKw >= releaseKw)) ?? meanKw(before);
}

/** Before a top-up: what the feeder shows now, and the relief that it shows already. */
function renewBaseline(event: OpenEvent, feeder: MonitoredFeeder): void {
  const delivered = Math.min(Math.max(event.measuredKw ?? 0, 0), event.committedKw);
  event.baselineKw = rounded(operationalBaselineKw(feeder, feeder.sample!.atMs + 1) + delivered);
  event.baselineFixed = true;
}

/** Takes a sample in memory. A judgement when one is due; undefined otherwise. */
export function weigh(event: OpenEvent, feeder: MonitoredFeeder): Judgement | undefined {
  const sample = feeder.sample!;
  if (!event.baselineFixed && sample.atMs >= event.window.startMs) {
    event.baselineKw = operationalBaselineKw(feeder, event.window.startMs);
    event.baselineFixed = true;
  }
  if (event.peakFromMs !== null && sample.atMs >= event.peakFromMs && sample.powerKw > (event.peakKw ?? 0)) {
    event.peakKw = sample.powerKw;
    event.peakDirty = true;
  }
  if (event.judging || event.purchase || event.dueAtMs === null) return undefined;
  // Bought ahead, and the load is at the limit before the window begins: relief is bought for now.
  const early = sample.atMs < event.window.startMs && sample.powerKw >= event.limitKw;
  if (sample.atMs < event.dueAtMs && !(early && !event.exhausted)) return undefined;
  const judgement = judge({ ...event, powerKw: sample.powerKw });
  const news = event.state === 'DISPATCHED' || (event.state === 'RELIEVED') !== (judgement.verdict === 'relieved');
  const again = event.state === 'SHORT' && judgement.verdict === 'short' && !event.exhausted;
  // Once relieved only the limit counts: a load that drifts up well below it needs no more than was promised.
  const drift = event.state === 'RELIEVED' && sample.powerKw < guardKw(event);
  return (news || again) && !drift ? judgement : undefined;
}

/** Once, by the rule for it, when it is on: the load is at the limit and no incentive is left to buy. */
function mayEscalate({ config }: Desk, event: OpenEvent, feeder: MonitoredFeeder): boolean {
  const atLimit = feeder.sample!.powerKw >= event.limitKw;
  const usedUp = event.topUps >= config.maxTopUps && !event.handsOff;
  return config.emergency === 'by-rule' && atLimit && usedUp && event.interventionClass === 'INCENTIVE';
}

function escalationRecord(event: OpenEvent, because: string) {
  return {
    event_type: 'event.escalated',
    event_id: event.eventId,
    feeder_id: event.feederId,
    intervention_class: 'EMERGENCY' as const,
    ...ruleOf(EMERGENCY_ESCALATION),
    decision: `${because}: bought from here on under emergency terms`,
  };
}

/** Writes a judgement; returns the top-up it calls for, while there are means. */
export async function verify(
  desk: Desk,
  event: OpenEvent,
  feeder: MonitoredFeeder,
  judgement: Judgement,
  triggerWallMs: number,
): Promise<Purchase | undefined> {
  const { verdict } = judgement;
  const nowMs = desk.context.grid.nowMs();
  // Later the load drifts by itself, and a fall against an old baseline would not be relief.
  if (event.state === 'DISPATCHED' && nowMs >= event.window.startMs) event.measuredKw = judgement.measuredKw;
  const escalates = verdict === 'short' && mayEscalate(desk, event, feeder);
  if (escalates) Object.assign(event, { interventionClass: 'EMERGENCY', topUps: 0 });
  const topUp = verdict === 'short' ? topUpOf(desk, event, judgement.gapKw, triggerWallMs, nowMs) : undefined;
  const exhausted = verdict === 'short' && !topUp;
  await desk.participant.transact(async (work) => {
    await moveOverload(desk, work, event, {
      state: verdict === 'relieved' ? 'RELIEVED' : 'SHORT',
      changes: {
        intervention_class: event.interventionClass,
        ...(event.topUps === 0 && !escalates ? { baseline_kw: event.baselineKw } : {}),
      },
      audit: {
        event_type: 'response.verified',
        ...ruleOf(RESPONSE_VERIFIED),
        rule_inputs: {
          baseline_kw: event.baselineKw,
          measured_kw: judgement.measuredKw,
          committed_kw: event.committedKw,
          shortfall_kw: judgement.shortfallKw,
          limit_kw: event.limitKw,
          release_kw: rounded(event.releaseKw),
        },
        delivered_kw: judgement.measuredKw,
        committed_kw: event.committedKw,
        decision: `${verdict}: ${judgement.because}`,
      },
    });
    if (escalates) await work.audit(escalationRecord(event, judgement.because));
    if (topUp) await work.audit(topUpRecord(event, topUp, RESPONSE_VERIFIED, judgement.because));
    if (exhausted && !event.exhausted) {
      const text = `${judgement.because}; no means are left after ${event.topUps} top-ups`;
      await raiseAlarm(desk, work, { kind: 'relief-short', eventId: event.eventId, feederId: event.feederId, text });
    }
  });
  event.exhausted = exhausted;
  if (topUp) {
    event.topUps++;
    renewBaseline(event, feeder);
  }
  return topUp;
}
