/** Where feeder telemetry comes from: the device bus, the event stream, or both. The checks are the monitor's. */
import { subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import type { Context } from '@flexder/runtime/context.ts';
import type { BusClient } from '@flexder/runtime/engines/bus/port.ts';
import { feederFilter } from '@flexder/runtime/engines/bus/topics.ts';
import { STREAM_RETRY_LONGEST_MS, STREAM_RETRY_MS } from '../../limits.ts';
import type { Monitor } from '../monitor.ts';

/** Topic of readings in the form of SCADA and AMI head-ends, by feeder. */
export const TELEMETRY_TOPIC = 'feeder-telemetry';

export type TelemetrySource = 'mqtt' | 'stream' | 'both';

export async function readBus(bus: Pick<BusClient, 'subscribe'>, monitor: Monitor, dsoId: string): Promise<void> {
  await bus.subscribe(feederFilter(subscriberId(dsoId)), (message) => monitor.receive(message));
}

/**
 * Processes of one `group` share the feeders. What was published before the group existed is not read: it is past.
 * `alone`: nothing else is read here, so that each process judges its own share.
 */
export function readStream(
  context: Context,
  monitor: Monitor,
  { group, alone }: { readonly group: string; readonly alone: boolean },
): { close(): Promise<void> } {
  return subscribed(context, TELEMETRY_TOPIC, () =>
    context.engines.events.subscribe(
      TELEMETRY_TOPIC,
      ({ topic, key, value }, bytes) =>
        monitor.receiveReading(`stream:${topic}`, key, value, bytes ?? new TextEncoder().encode(JSON.stringify(value))),
      { group, from: 'latest', ...(alone && { onShare: (share) => monitor.share(share) }) },
    ),
  );
}

/** A subscription that is made as soon as the stream can be reached, however late: the service starts without it. */
export function subscribed(
  { wall, log }: Pick<Context, 'wall' | 'log'>,
  topic: string,
  subscribe: () => Promise<() => Promise<void>>,
): { close(): Promise<void> } {
  const closing = new AbortController();
  let end: (() => Promise<void>) | undefined;
  void (async () => {
    let pauseMs: number = STREAM_RETRY_MS;
    while (!end && !closing.signal.aborted) {
      try {
        end = await subscribe();
      } catch (error) {
        log.warn({ topic, pauseMs, error: String(error) }, 'not subscribed yet; tried again');
        await wall.sleep(pauseMs, closing.signal).catch(() => {});
        pauseMs = Math.min(2 * pauseMs, STREAM_RETRY_LONGEST_MS);
      }
    }
    if (closing.signal.aborted) await end?.();
  })();
  return {
    async close() {
      closing.abort(new Error('closing'));
      await end?.();
    },
  };
}
