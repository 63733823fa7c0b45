/** Findings of the edge: each is acted on once, or not at all and for a reason that is recorded. */
import type { OverloadDetected } from '@flexder/schemas/types.ts';
import { findingOf } from '../../grid-monitoring/messages.ts';
import type { MonitoredFeeder, NamedFinding, Received } from '../../grid-monitoring/monitor.ts';
import type { RemoteMonitor } from '../../grid-monitoring/remote.ts';
import { TELEMETRY_FUTURE_MS } from '../../limits.ts';
import { FINDING_STALE, ruleOf } from '../../rules.ts';
import type { FindingTable } from '../../tables.ts';
import type { Desk } from '../desk.ts';

/** The open events, as far as findings concern them. */
export interface FindingEvents {
  eventOf(feederId: string): { readonly eventId: string } | undefined;
  onFinding(feeder: MonitoredFeeder, finding: NamedFinding, received: Received, opened: () => void): Promise<void>;
}

type Outcome = FindingTable['outcome'];

/** Resolves when the finding is dealt with for good; a throw is a reason to hand it in again. */
export async function takeFinding(
  desk: Desk,
  events: FindingEvents,
  monitor: Pick<RemoteMonitor, 'found'>,
  message: OverloadDetected,
): Promise<void> {
  const counted = (outcome: Outcome | 'repeated' | 'acted-on') =>
    desk.context.metrics.count('bap_findings_total', { outcome });
  if (await isKnown(desk, message.event_id)) return counted('repeated');
  const found = monitor.found(message);
  const finding = findingOf(message);
  const outcome = reasonAgainst(desk, events, message, found !== undefined, finding !== undefined);
  if (outcome === undefined && found && finding) {
    // The event is open once it is committed; what is bought for it takes longer, and others wait behind it here.
    await new Promise<void>((opened, failed) => {
      events.onFinding(found.feeder, finding, found.received, opened).then(opened, failed);
    });
    if (!(await isKnown(desk, message.event_id))) throw new Error('no event was opened: the DSO is closing');
    return counted('acted-on');
  }
  await markFinding(desk, message, outcome ?? 'unknown-feeder');
  counted(outcome ?? 'unknown-feeder');
}

function reasonAgainst(
  { context, config }: Desk,
  events: FindingEvents,
  { feeder_id, sample }: OverloadDetected,
  feederKnown: boolean,
  ruleKnown: boolean,
): Outcome | undefined {
  const ageMs = context.grid.nowMs() - Date.parse(sample.at);
  if (!feederKnown) return 'unknown-feeder';
  if (!ruleKnown) return 'unknown-rule';
  if (ageMs < -TELEMETRY_FUTURE_MS) return 'future';
  if (ageMs > config.staleFindingSeconds * 1_000) return 'stale';
  return events.eventOf(feeder_id) ? 'event-open' : undefined;
}

async function isKnown({ participant }: Desk, eventId: string): Promise<boolean> {
  const { database: db } = participant;
  const overload = db.selectFrom('overload').select('event_id').where('event_id', '=', eventId);
  const finding = db.selectFrom('finding').select('event_id').where('event_id', '=', eventId);
  return (await overload.unionAll(finding).executeTakeFirst()) !== undefined;
}

/** With a record, but for an event that is open already: the edge repeats what it does not hear of. */
async function markFinding(desk: Desk, message: OverloadDetected, outcome: Outcome): Promise<void> {
  const { context, config, participant } = desk;
  const { event_id, feeder_id, monitor_id, sample } = message;
  const ageSeconds = Math.round((context.grid.nowMs() - Date.parse(sample.at)) / 1_000);
  await participant.transact(async (work) => {
    const row = {
      ...{ event_id, feeder_id, monitor_id, outcome },
      detected_at: new Date(sample.at),
      received_wall_at: new Date(context.wall.nowMs()),
    };
    await work.db
      .insertInto('finding')
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    if (outcome === 'event-open') return;
    await work.audit({
      event_type: 'finding.refused',
      code: outcome,
      event_id,
      feeder_id,
      counterparty_id: monitor_id,
      ...(outcome === 'stale' ? ruleOf(FINDING_STALE) : {}),
      rule_inputs: { age_seconds: ageSeconds, bound_seconds: config.staleFindingSeconds, power_kw: sample.power_kw },
      decision: `A finding of ${monitor_id} at ${sample.at} is not acted on: ${outcome}.`,
    });
  });
}
