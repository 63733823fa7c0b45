/**
 * One batch at a time, so that events of one key keep their order whatever fails: who publishes is told within a bound,
 * and nothing later leaves before the client is done with what it may still deliver.
 */
import type { WallClock } from '../../../clock.ts';
import { engineLimits } from '../../limits.ts';
import type { RecordProducer } from './client.ts';
import type { OutgoingRecord } from './record.ts';

interface Waiting {
  readonly records: readonly OutgoingRecord[];
  readonly bytes: number;
  state: 'queued' | 'sent' | 'ended';
  end(error?: Error): void;
}

export interface Publisher {
  publish(records: readonly OutgoingRecord[]): Promise<void>;
  close(): Promise<void>;
}

export interface PublisherDeps {
  readonly wall: WallClock;
  /** Opens a producer, with the topics of `records` made. */
  open(): Promise<RecordProducer>;
  prepare(topics: readonly string[]): Promise<void>;
  /** Told after each exchange. */
  went(error?: unknown): void;
}

export function createPublisher({ wall, open, prepare, went }: PublisherDeps): Publisher {
  let queue: Waiting[] = [];
  let queued = 0;
  let queuedBytes = 0;
  let producer: RecordProducer | undefined;
  let running: Promise<void> | undefined;
  let closed = false;

  function enqueue(records: readonly OutgoingRecord[]): Promise<void> {
    const bytes = records.reduce((sum, { key, value }) => sum + key.length + value.byteLength, 0);
    const full = queued + records.length > engineLimits.eventsQueued;
    if (full || queuedBytes + bytes > engineLimits.eventsQueuedBytes)
      return Promise.reject(new Error(`the queue to Kafka is full: ${queued} events wait`));
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        records,
        bytes,
        state: 'queued',
        end(error) {
          if (waiting.state === 'ended') return;
          waiting.state = 'ended';
          disarm();
          queued -= records.length;
          queuedBytes -= bytes;
          if (error) reject(error);
          else resolve();
        },
      };
      const disarm = wall.after(engineLimits.eventsPublishMs, () =>
        waiting.end(new Error(`Kafka did not acknowledge within ${engineLimits.eventsPublishMs} ms`)),
      );
      queued += records.length;
      queuedBytes += bytes;
      queue.push(waiting);
      running ??= drain().finally(() => {
        running = undefined;
      });
    });
  }

  async function drain(): Promise<void> {
    for (let batch = nextBatch(); batch.length > 0; batch = nextBatch()) {
      const error = await send(batch.flatMap(({ records }) => records)).catch((reason: unknown) => asError(reason));
      for (const waiting of batch) waiting.end(error || undefined);
    }
  }

  /** What nobody waits for any more is not sent. */
  function nextBatch(): Waiting[] {
    queue = queue.filter(({ state }) => state === 'queued');
    let bytes = 0;
    let count = 0;
    for (const waiting of queue) {
      bytes += waiting.bytes;
      if (count > 0 && bytes > engineLimits.eventsBatchBytes) break;
      count++;
    }
    const batch = queue.splice(0, count);
    for (const waiting of batch) waiting.state = 'sent';
    return batch;
  }

  async function send(records: readonly OutgoingRecord[]): Promise<void> {
    try {
      if (closed) throw new Error('the event stream is closed');
      await prepare([...new Set(records.map(({ topic }) => topic))]);
      producer ??= await open();
      await producer.send(records);
      went();
    } catch (error) {
      went(error);
      // Whether the broker has the batch is not known, and its sequence numbers must not be used for another one.
      const failed = producer;
      producer = undefined;
      await failed?.close().catch(() => {});
      throw error;
    }
  }

  return {
    publish: (records) => (closed ? Promise.reject(new Error('the event stream is closed')) : enqueue(records)),
    async close() {
      closed = true;
      await running;
      await producer?.close();
    },
  };
}

function asError(reason: unknown): Error {
  const text = reason instanceof Error ? reason.message : String(reason);
  return new Error(`Kafka did not take the events: ${text}`, { cause: reason });
}
