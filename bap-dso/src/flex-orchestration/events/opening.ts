/** From a finding of Grid Monitoring to an event: its window, and the relief it needs in it. */
import type { FeederId } from '@flexder/protocol/beckn/identifiers.ts';
import { operationalBaselineKw } from '../../dispatch/relief.ts';
import { rounded } from '../../grid-monitoring/detection/detection.ts';
import type { MonitoredFeeder, NamedFinding } from '../../grid-monitoring/monitor.ts';
import { GAP_MIN_KW } from '../../limits.ts';
import type { Desk } from '../desk.ts';
import { type OpenEvent, openEvent } from './event.ts';
import { activationWindow, peakInWindow } from './window.ts';

export function eventFrom({ context, config }: Desk, feeder: MonitoredFeeder, finding: NamedFinding): OpenEvent {
  const window = activationWindow(finding, feeder.forecast, {
    nowMs: context.grid.nowMs() + config.activationLeadSeconds * 1_000,
    releaseKw: feeder.releaseKw,
    defaultMinutes: config.defaultWindowMinutes,
    marginMinutes: config.forecastMarginMinutes,
  });
  return openEvent({
    eventId: finding.eventId,
    feederId: feeder.config.feederId as FeederId,
    limitKw: feeder.limitKw,
    releaseKw: feeder.releaseKw,
    requestedKw: Math.max(GAP_MIN_KW, rounded(peakInWindow(finding, feeder.forecast, window) - feeder.releaseKw)),
    detectedBy: finding.detectedBy,
    interventionClass: config.interventionClass,
    window,
    state: 'BUYING',
    baselineKw: operationalBaselineKw(feeder, feeder.sample!.atMs + 1),
    baselineFixed: false,
  });
}
