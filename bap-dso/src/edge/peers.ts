/** What other monitors of the same feeders tell on the stream, so that none calls a feeder silent that another reads. */
import type { Context } from '@flexder/runtime/context.ts';
import type { AnomalyChanged, FeederReading, OverloadDetected } from '@flexder/schemas/types.ts';
import { anomalyOf, MONITORING_TOPIC } from '../grid-monitoring/messages.ts';
import type { Monitor } from '../grid-monitoring/monitor.ts';
import { subscribed } from '../grid-monitoring/telemetry/sources.ts';

/** Every monitor of a group hears all of them: whose feeders they are may change at any time. */
export function hearPeers(
  context: Context,
  monitorId: string,
  monitor: Pick<Monitor, 'readElsewhere' | 'toldElsewhere'>,
): { close(): Promise<void> } {
  return subscribed(context, MONITORING_TOPIC, () =>
    context.engines.events.subscribe(MONITORING_TOPIC, ({ value }) => {
      const message = value as FeederReading | AnomalyChanged | OverloadDetected;
      if (message.monitor_id === monitorId) return;
      if (message.type === 'feeder.reading') monitor.readElsewhere(message.feeder_id, Date.parse(message.sample.at));
      if (message.type !== 'anomaly.changed') return;
      const change = anomalyOf(message);
      if (change) monitor.toldElsewhere(change);
    }),
  );
}
