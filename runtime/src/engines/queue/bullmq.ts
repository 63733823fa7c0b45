import { type Job as BullJob, type JobsOptions, Queue, type QueueOptions, Worker } from 'bullmq';
import { within } from '../../service.ts';
import { engineLimits } from '../limits.ts';
import { fromQueueId, toQueueId } from './ids.ts';
import { openWork } from './open-work.ts';
import type { Job, JobQueue, QueueDeps } from './port.ts';

export interface BullQueue extends JobQueue {
  close(): Promise<void>;
}

interface Options extends QueueDeps {
  readonly name: string;
  /** How jobs are added and looked at, and how they are worked on. */
  readonly producer: Connecting;
  readonly consumer: Connecting;
  /** A backend factory of BullMQ. */
  readonly backend: unknown;
  /** Other processes work on this queue too: what they do is not heard of here. */
  readonly shared?: boolean;
  /** Whether the engine cannot be reached now. */
  isAway?(): boolean;
  /** An error of the engine as an operator understands it. */
  explain?(error: unknown): Error;
}

type Connecting = { readonly connection: unknown } & Omit<QueueOptions, 'connection'>;

const DEFAULT_ATTEMPTS = 5;
const DEFAULT_BACKOFF_MS = 200;
const DEFAULT_CONCURRENCY = 8;

function optionsOf(job: Job): JobsOptions {
  return {
    jobId: toQueueId(job.id),
    delay: job.delayMs ?? 0,
    attempts: job.attempts ?? DEFAULT_ATTEMPTS,
    backoff: { type: 'capped', delay: job.backoffMs ?? DEFAULT_BACKOFF_MS },
    removeOnComplete: { count: engineLimits.queueCompletedKept },
    removeOnFail: { count: engineLimits.queueDeadKept },
    stackTraceLimit: 1,
  };
}

/** Doubles from the job's first pause up to the cap. */
function backoff(attemptsMade: number, _type?: string, _error?: Error, job?: { opts: JobsOptions }): number {
  const first = typeof job?.opts.backoff === 'object' ? (job.opts.backoff.delay ?? DEFAULT_BACKOFF_MS) : 0;
  return Math.min(engineLimits.queueBackoffCapMs, first * 2 ** Math.max(0, attemptsMade - 1));
}

type Entry = { name: string; data: unknown; opts: JobsOptions };

/**
 * A batch costs BullMQ two temporary tables, as much as adding seven one by one (16 ms against 2.5 ms). One by one is
 * not atomic, which the ids make good: whoever adds again adds only what is missing.
 */
const BATCH_FROM = 8;

async function addAll(queue: Queue, entries: readonly Entry[]): Promise<void> {
  if (entries.length >= BATCH_FROM) await queue.addBulk([...entries]);
  else for (const { name, data, opts } of entries) await queue.add(name, data, opts);
}

/** An engine that is away says so several times a second: each thing it says is logged once, until it says another. */
function oncePerText(log: QueueDeps['log'], queue: string) {
  let last = '';
  return (error: Error) => {
    if (error.message === last) return;
    last = error.message;
    log.error({ queue, error: error.message }, 'job queue failed');
  };
}

export async function openBullQueue(options: Options): Promise<BullQueue> {
  const { name, log, activity, wall, explain = (error: unknown) => error } = options;
  const queue = new Queue(name, options.producer as never, options.backend as never);
  const onError = oncePerText(log, name);
  queue.on('error', onError);
  const work = openWork(activity, options.shared ? wall : undefined);
  let worker: Worker | undefined;
  let closing: Promise<void> | undefined;

  const bounded = <T>(what: string, task: Promise<T>): Promise<T> =>
    within(wall, engineLimits.queueAddMs, task).catch((error) => {
      const why = explain(error);
      throw new Error(`${what}: ${why instanceof Error ? why.message : why}`, { cause: error });
    });

  try {
    await queue.waitUntilReady();
    const done = await bounded(
      'finished jobs not read',
      queue.getBackend().getRanges(['completed', 'failed'], 0, -1, false),
    );
    // Its declared type says one id a state; it gives all of them.
    for (const id of (done as string[][]).flat()) work.settle(id);
  } catch (error) {
    await queue.close().catch(() => {});
    throw error;
  }

  const run = (handlers: Parameters<JobQueue['process']>[0]) => async (job: BullJob) => {
    const id = job.id ?? '';
    work.begin(id, job.name);
    const handler = handlers[job.name];
    // Thrown, so that it retries and ends among the dead jobs, where an operator sees it.
    if (!handler) throw new Error(`no handler for jobs of the name ${job.name}`);
    await handler(job.data, job.attemptsMade + 1);
  };

  const startWorker = (handlers: Parameters<JobQueue['process']>[0], concurrency: number): Worker => {
    const started = new Worker(
      name,
      run(handlers),
      {
        ...(options.consumer as { connection: never }),
        concurrency,
        drainDelay: engineLimits.queueIdlePollS,
        lockDuration: engineLimits.queueLockMs,
        stalledInterval: engineLimits.queueStalledCheckMs,
        maxStalledCount: engineLimits.queueStalls,
        settings: { backoffStrategy: backoff as never },
      },
      options.backend as never,
    );
    started.on('error', onError);
    started.on('completed', (job) => work.settle(job.id ?? ''));
    started.on('failed', (job, error) => {
      const dead = job === undefined || job.finishedOn !== undefined;
      log.warn({ queue: name, job: job?.name, attempt: job?.attemptsMade, dead, error: error.message }, 'job failed');
      if (dead) work.settle(job?.id ?? '');
    });
    return started;
  };

  const close = async () => {
    const abort = new AbortController();
    // What an engine that is away was told to do is never answered: its jobs come back by their locks.
    const boundMs = options.isAway?.() ? engineLimits.queueAddMs : engineLimits.queueDrainMs;
    const bound = wall.sleep(boundMs, abort.signal).then(() => void worker?.disconnect().catch(() => {}));
    bound.catch(() => {});
    if (worker) await Promise.race([worker.close(), bound]);
    abort.abort(new Error('closed'));
    await queue.close();
    work.settleAll();
  };

  return {
    name,
    async add(jobs) {
      if (closing) throw new Error('the job queue is closed');
      if (jobs.length === 0) return;
      const entries = jobs.map((job) => ({ name: job.name, data: job.data, opts: optionsOf(job) }));
      const begun: string[] = [];
      for (const [index, entry] of entries.entries()) {
        const id = entry.opts.jobId ?? '';
        if (!worker || jobs[index]?.delayMs || work.isOpen(id) || work.isSettled(id)) continue;
        work.begin(id, entry.name);
        begun.push(id);
      }
      try {
        await bounded(`${jobs.length} jobs not added`, addAll(queue, entries));
      } catch (error) {
        // Should they be there after all, their start begins them again.
        for (const id of begun) {
          work.settle(id);
          work.forget(id);
        }
        throw error;
      }
    },
    async process(handlers, { concurrency = DEFAULT_CONCURRENCY } = {}) {
      if (worker) throw new Error(`the queue of ${name} has its handlers already`);
      worker = startWorker(handlers, concurrency);
      // An engine that goes away just now is waited for by the worker, not by who starts it.
      await within(wall, engineLimits.queueAddMs, worker.waitUntilReady()).catch(onError);
    },
    async dead(limit) {
      const jobs = await bounded('dead jobs not read', queue.getJobs(['failed'], 0, limit - 1, true));
      return jobs.map((job) => ({
        id: fromQueueId(job.id ?? ''),
        name: job.name,
        data: job.data,
        reason: job.failedReason,
      }));
    },
    async redrive(limit) {
      const jobs = await bounded('dead jobs not read', queue.getJobs(['failed'], 0, limit - 1, true));
      for (const job of jobs) {
        const id = job.id ?? '';
        work.forget(id);
        if (worker) work.begin(id, job.name);
        try {
          await job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true });
        } catch (error) {
          work.settle(id);
          throw error;
        }
      }
      return jobs.length;
    },
    async counts() {
      const counting = queue.getJobCounts('waiting', 'active', 'delayed', 'failed', 'prioritized');
      const counts = await bounded('jobs not counted', counting);
      const of = (state: string) => counts[state] ?? 0;
      return {
        waiting: of('waiting') + of('prioritized'),
        active: of('active'),
        delayed: of('delayed'),
        failed: of('failed'),
      };
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}
