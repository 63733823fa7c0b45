/**
 * What the edge does with what it sees. Readings go to the stream directly: the next one replaces what was lost, and all
 * are in the edge's own database. Findings go through its outbox: they wait there while the uplink is down.
 */
import type { Context } from '@flexder/runtime/context.ts';
import type { StreamEvent } from '@flexder/runtime/engines/events/port.ts';
import type { OverloadChanged } from '@flexder/schemas/types.ts';
import type { AnomalyChange } from '../grid-monitoring/detection/anomalies.ts';
import { anomalyMessage, findingMessage, MONITORING_TOPIC, readingMessage } from '../grid-monitoring/messages.ts';
import type { Monitor, MonitoredFeeder, MonitorListener, NamedFinding, Received } from '../grid-monitoring/monitor.ts';
import { UNHEARD_MS, UNRELEASED_MS } from '../limits.ts';

export class Reporter implements MonitorListener {
  readonly #context: Context;
  readonly #monitorId: string;
  readonly #monitor: Pick<Monitor, 'feeder' | 'reopen' | 'rearm' | 'released'>;
  readonly #emit: (event: StreamEvent) => Promise<void>;
  /** Until when, grid time, an overload is taken for dealt with, by feeder. */
  readonly #heldUntilMs = new Map<string, number>();

  constructor(
    context: Context,
    monitorId: string,
    monitor: Pick<Monitor, 'feeder' | 'reopen' | 'rearm' | 'released'>,
    /** Resolves when the event is kept; it leaves when it can. */
    emit: (event: StreamEvent) => Promise<void>,
  ) {
    this.#context = context;
    this.#monitorId = monitorId;
    this.#monitor = monitor;
    this.#emit = emit;
  }

  onSample(feeder: MonitoredFeeder, received: Received): void {
    const { feederId } = feeder.config;
    const heldUntilMs = this.#heldUntilMs.get(feederId);
    if (heldUntilMs !== undefined && this.#context.grid.nowMs() >= heldUntilMs) {
      this.#heldUntilMs.delete(feederId);
      this.#monitor.rearm(feederId);
    }
    const event = { topic: MONITORING_TOPIC, key: feederId, value: readingMessage(this.#monitorId, feeder, received) };
    void this.#context.engines.events
      .publish([event])
      .catch(() => this.#context.metrics.count('monitor_readings_unpublished_total'));
  }

  async onFinding(feeder: MonitoredFeeder, finding: NamedFinding, received: Received): Promise<void> {
    const { feederId } = feeder.config;
    const value = findingMessage(this.#monitorId, feeder, finding, received);
    await this.#emit({ topic: MONITORING_TOPIC, key: feederId, value });
    this.#hold(feederId, this.#context.grid.nowMs() + UNHEARD_MS);
  }

  /** Through the outbox, as findings: an alarm waits while the uplink is down. */
  async onAnomaly(change: AnomalyChange): Promise<void> {
    const value = anomalyMessage(this.#monitorId, `anomaly-${this.#context.ids.uuid()}`, change);
    const key = change.feederId ?? change.substationId ?? this.#monitorId;
    await this.#emit({ topic: MONITORING_TOPIC, key, value });
  }

  /** What the DSO says of its events: a finding that was taken up is not repeated before its end. */
  onChange({ value }: StreamEvent): void {
    const change = value as OverloadChanged | { readonly type: string };
    if (!isOverloadChange(change) || !this.#monitor.feeder(change.feederId)) return;
    const { feederId } = change;
    if (change.state === 'RELEASED') {
      this.#heldUntilMs.delete(feederId);
      this.#monitor.released(feederId, this.#context.grid.nowMs());
    } else {
      this.#monitor.reopen(feederId);
      this.#hold(feederId, change.windowEndMs + UNRELEASED_MS);
    }
  }

  #hold(feederId: string, untilMs: number): void {
    this.#heldUntilMs.set(feederId, Math.max(untilMs, this.#heldUntilMs.get(feederId) ?? 0));
  }
}

function isOverloadChange(value: OverloadChanged | { readonly type: string }): value is OverloadChanged {
  return value.type === 'overload.changed';
}
