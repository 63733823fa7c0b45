/** The job queue of a simulation: jobs outlive the service, as in the engine; its workers do not. Times are virtual. */
import { toQueueId } from '@flexder/runtime/engines/queue/ids.ts';
import type { Job, JobQueue, JobQueueEngine } from '@flexder/runtime/engines/queue/port.ts';
import type { VirtualClock } from './clock.ts';
import type { Faults } from './faults.ts';
import type { Life } from './life.ts';

interface Stored {
  readonly job: Job;
  state: 'waiting' | 'active' | 'done' | 'dead';
  attempts: number;
  dueMs: number;
  reason: string;
}

type Handlers = Parameters<JobQueue['process']>[0];

interface Line {
  readonly jobs: Map<string, Stored>;
  worker: { readonly life: Life; readonly handlers: Handlers } | undefined;
}

const DEFAULT_ATTEMPTS = 5;
const DEFAULT_BACKOFF_MS = 200;
const LONGEST_BACKOFF_MS = 60_000;

export class SimQueues {
  readonly #lines = new Map<string, Line>();
  readonly #clock: VirtualClock;
  readonly #faults: Faults;

  constructor(clock: VirtualClock, faults: Faults) {
    this.#clock = clock;
    this.#faults = faults;
  }

  /** As one life of a service has them. */
  engine(life: Life): JobQueueEngine {
    const opened = new Map<string, JobQueue>();
    return {
      kind: 'pglite',
      open: async (subscriber) => {
        const line = this.#lines.get(subscriber) ?? { jobs: new Map(), worker: undefined };
        this.#lines.set(subscriber, line);
        const queue = opened.get(subscriber) ?? this.#queue(subscriber, line, life);
        opened.set(subscriber, queue);
        return queue;
      },
      opened: async () => [...opened.values()],
      close: async () => {},
    };
  }

  /** Jobs that are neither done nor given up. */
  open(): number {
    return [...this.#lines.values()]
      .flatMap(({ jobs }) => [...jobs.values()])
      .filter(({ state }) => state === 'waiting' || state === 'active').length;
  }

  #queue(name: string, line: Line, life: Life): JobQueue {
    const of = (state: Stored['state']) => [...line.jobs.values()].filter((stored) => stored.state === state);
    return {
      name,
      add: (jobs) =>
        life.step(async () => {
          if (this.#faults.happens('queue-away')) throw new Error('the job queue cannot be reached');
          for (const job of jobs) this.#add(line, job);
        }),
      process: async (handlers) => {
        line.worker = { life, handlers };
        life.atDeath(() => {
          if (line.worker?.life === life) line.worker = undefined;
        });
        // What ran when its service died runs again.
        for (const stored of of('active')) stored.state = 'waiting';
        for (const stored of of('waiting')) this.#wake(line, stored);
      },
      dead: async (limit) =>
        of('dead')
          .slice(0, limit)
          .map(({ job, reason }) => ({ id: job.id, name: job.name, data: job.data, reason })),
      redrive: async () => 0,
      counts: async () => ({
        ...{ waiting: of('waiting').length, active: of('active').length },
        ...{ delayed: 0, failed: of('dead').length },
      }),
    };
  }

  #add(line: Line, job: Job): void {
    const id = toQueueId(job.id);
    if (line.jobs.has(id)) return;
    const dueMs = this.#clock.nowMs() + (job.delayMs ?? 0);
    // As JSON, which is what an engine keeps.
    const kept = { ...job, data: JSON.parse(JSON.stringify(job.data ?? null)) };
    const stored: Stored = { job: kept, state: 'waiting', attempts: 0, dueMs, reason: '' };
    line.jobs.set(id, stored);
    this.#wake(line, stored);
  }

  #wake(line: Line, stored: Stored): void {
    this.#clock.after(Math.max(1, stored.dueMs - this.#clock.nowMs()), () => void this.#run(line, stored));
  }

  async #run(line: Line, stored: Stored): Promise<void> {
    const { worker } = line;
    if (!worker || stored.state !== 'waiting') return;
    stored.state = 'active';
    stored.attempts++;
    const { job } = stored;
    const failure = await this.#attempt(worker.handlers[job.name], stored);
    if (worker.life.dead) return;
    if (failure === undefined) stored.state = 'done';
    else if (stored.attempts >= (job.attempts ?? DEFAULT_ATTEMPTS)) {
      stored.state = 'dead';
      stored.reason = failure;
    } else {
      const pauseMs = (job.backoffMs ?? DEFAULT_BACKOFF_MS) * 2 ** (stored.attempts - 1);
      stored.state = 'waiting';
      stored.dueMs = this.#clock.nowMs() + Math.min(LONGEST_BACKOFF_MS, pauseMs);
      this.#wake(line, stored);
    }
  }

  async #attempt(handler: Handlers[string] | undefined, { job, attempts }: Stored): Promise<string | undefined> {
    try {
      if (!handler) throw new Error(`no handler for jobs of the name ${job.name}`);
      await handler(job.data, attempts);
      return undefined;
    } catch (error) {
      return String(error);
    }
  }
}
