/** The topics of the event stream, and what may stand on each: the one table that programs and documents share. */
import type { StreamKind } from './validators.ts';

export interface StreamTopic {
  /** Name behind the prefix: `flexder.audit`. */
  readonly topic: string;
  /** What the key of a message is: messages of one key keep their order. */
  readonly key: string;
  readonly schemas: readonly StreamKind[];
}

/** Of all schemas; one that changes so that old readers cannot take it becomes `<name>/2` beside `<name>/1`. */
export const STREAM_VERSION = 1;

export const STREAM_TOPICS: readonly StreamTopic[] = [
  { topic: 'feeder-telemetry', key: 'feeder', schemas: ['feeder-telemetry'] },
  { topic: 'monitoring', key: 'feeder', schemas: ['feeder-reading', 'overload-detected', 'anomaly-changed'] },
  { topic: 'weather', key: 'area', schemas: ['weather-forecast'] },
  {
    topic: 'bap',
    key: 'feeder or order',
    schemas: ['overload-changed', 'order-changed', 'alarm-raised', 'alarm-acknowledged', 'feeder-sample'],
  },
  { topic: 'audit', key: 'order, event or transaction', schemas: ['audit-record'] },
];

export function streamTopic(topic: string): StreamTopic | undefined {
  return STREAM_TOPICS.find((each) => each.topic === topic);
}
