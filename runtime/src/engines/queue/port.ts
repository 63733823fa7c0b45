import type { Activity } from '../../activity.ts';
import type { WallClock } from '../../clock.ts';
import type { Logger } from '../../logging.ts';

/** What an adapter needs of the process it runs in. */
export interface QueueDeps {
  readonly wall: WallClock;
  readonly log: Logger;
  readonly activity: Activity;
}

/** Work to be done at least once, with retry and backoff; a job is a batch, so its rate is never the limit. */
export interface Job {
  readonly name: string;
  /** Jobs of one id are added once while that id is known. */
  readonly id: string;
  readonly data: unknown;
  /** Wall-clock delay before the first attempt. Default 0. */
  readonly delayMs?: number;
  /** Default 5. */
  readonly attempts?: number;
  /** First pause of the exponential backoff. Default 200. */
  readonly backoffMs?: number;
}

export interface JobQueue {
  /** As the engine knows it. */
  readonly name: string;
  /** Rejects within a bounded time when the engine is away; never hangs. */
  add(jobs: readonly Job[]): Promise<void>;
  /** Starts the workers: one handler per job name; a throw is a failed attempt. */
  process(
    handlers: Record<string, (data: unknown, attempt: number) => Promise<void>>,
    options?: { concurrency?: number },
  ): Promise<void>;
  /** Jobs that used up their attempts. */
  dead(limit: number): Promise<{ id: string; name: string; data: unknown; reason: string }[]>;
  /** Puts dead jobs back; returns how many. */
  redrive(limit: number): Promise<number>;
  counts(): Promise<{ waiting: number; active: number; delayed: number; failed: number }>;
}

export interface JobQueueEngine {
  readonly kind: 'pglite' | 'postgres' | 'redis';
  open(subscriber: string): Promise<JobQueue>;
  /** The queues this process has opened: what its operators look at. */
  opened(): Promise<readonly JobQueue[]>;
  /** Lets running jobs end (bounded), then closes. */
  close(): Promise<void>;
}
