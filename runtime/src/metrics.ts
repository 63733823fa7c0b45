import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Metrics of one service. Label values come from our own lists, never from a message. */
export interface Metrics {
  count(name: string, labels?: Record<string, string>, by?: number): void;
  gauge(name: string, value: number, labels?: Record<string, string>): void;
  /** Seconds. */
  observe(name: string, seconds: number, labels?: Record<string, string>): void;
  /** Sum of a counter over all labels, or over those given. */
  total(name: string, labels?: Record<string, string>): number;
  /** Prometheus text format. */
  text(): Promise<string>;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** @param subscriber whose figures they are, where several participants run the same service */
export function createMetrics(service: string, subscriber?: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service, ...(subscriber !== undefined && { subscriber }) });
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();
  const totals = new Map<string, Map<string, { labels: Record<string, string>; value: number }>>();
  const make = <T>(store: Map<string, T>, name: string, create: () => T): T => {
    let metric = store.get(name);
    if (!metric) {
      metric = create();
      store.set(name, metric);
    }
    return metric;
  };
  const full = (name: string) => `flexder_${name}`;
  const common = (labels: Record<string, string>) => ({
    help: 'A figure of a FlexDER service.',
    labelNames: Object.keys(labels),
    registers: [registry],
  });
  return {
    count(name, labels = {}, by = 1) {
      make(counters, name, () => new Counter({ name: full(name), ...common(labels) })).inc(labels, by);
      const rows = make(totals, name, () => new Map());
      const key = JSON.stringify(labels);
      const row = rows.get(key) ?? { labels, value: 0 };
      row.value += by;
      rows.set(key, row);
    },
    gauge(name, value, labels = {}) {
      make(gauges, name, () => new Gauge({ name: full(name), ...common(labels) })).set(labels, value);
    },
    observe(name, seconds, labels = {}) {
      make(histograms, name, () => new Histogram({ name: full(name), buckets: SECONDS, ...common(labels) })).observe(
        labels,
        seconds,
      );
    },
    total(name, labels = {}) {
      let sum = 0;
      for (const row of totals.get(name)?.values() ?? []) {
        if (Object.entries(labels).every(([key, value]) => row.labels[key] === value)) sum += row.value;
      }
      return sum;
    },
    text: () => registry.metrics(),
  };
}
