/** HiGHS in a thread of its own: it computes without a pause, and the event loop must not wait for it. */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { WallClock } from '@flexder/runtime/clock.ts';
import type { Logger } from '@flexder/runtime/logging.ts';
import { PLAN_GAP, SOLVER_GRACE_MS, SOLVER_IDLE_MS, SOLVER_MEMORY_MB, SOLVER_QUEUE } from '../../limits.ts';
import { type Cover, type CoverProblem, coverOf, gapOf } from './cover.ts';
import { type JointCover, type JointProblem, jointCoverOf } from './joint-problem.ts';
import { asJoint, programOf, wattsOf } from './program.ts';

export interface CoverSolver {
  /** The best cover found within `boundMs`; undefined when there is none in time. Never throws. */
  solve(problem: CoverProblem, boundMs: number): Promise<Cover | undefined>;
  /** The same for several needs at once. */
  solveJoint(problem: JointProblem, boundMs: number): Promise<JointCover | undefined>;
  close(): Promise<void>;
}

interface Solved {
  readonly status: string;
  readonly values: Readonly<Record<string, number>>;
}

/** Runs as text, so that it needs no file of its own beside the bundle; `path` is that of the package. */
const THREAD = `
const { parentPort, workerData } = require('node:worker_threads');
const ready = require(workerData.path)();
parentPort.on('message', async ({ id, program, seconds, gap }) => {
  try {
    const { Status, Columns } = (await ready).solve(program, { time_limit: seconds, mip_rel_gap: gap, random_seed: 1 });
    const values = {};
    for (const { Name, Primal } of Object.values(Columns)) if (Primal) values[Name] = Primal;
    parentPort.postMessage({ id, status: Status, values });
  } catch (error) {
    parentPort.postMessage({ id, error: String(error) });
  }
});`;

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, (answer: Solved | undefined) => void>;
}

/** One thread, begun at the first question and ended when it is not asked any more: it keeps some hundred megabytes. */
export function createSolver({ wall, log }: { readonly wall: WallClock; readonly log: Logger }): CoverSolver {
  let thread: Thread | undefined;
  let stopIdle = () => {};
  let asked = 0;

  function begin(): Thread {
    const path = createRequire(import.meta.url).resolve('highs');
    const resourceLimits = { maxOldGenerationSizeMb: SOLVER_MEMORY_MB };
    const worker = new Worker(THREAD, { eval: true, workerData: { path }, resourceLimits, execArgv: [] });
    const begun: Thread = { worker, waiting: new Map() };
    worker.unref();
    worker.on('message', ({ id, error, ...answer }: Solved & { id: number; error?: string }) => {
      if (error !== undefined) log.warn({ error }, 'the solver could not read or solve a plan');
      begun.waiting.get(id)?.(error === undefined ? answer : undefined);
    });
    worker.on('error', (error) => log.error({ error: String(error) }, 'the solver ended'));
    worker.on('exit', () => {
      if (thread === begun) thread = undefined;
      for (const settle of begun.waiting.values()) settle(undefined);
    });
    return begun;
  }

  function ask(problem: JointProblem, boundMs: number): Promise<Solved | undefined> {
    thread ??= begin();
    const { worker, waiting } = thread;
    const id = ++asked;
    return new Promise((resolve) => {
      const settle = (answer: Solved | undefined) => {
        disarm();
        waiting.delete(id);
        resolve(answer);
      };
      const disarm = wall.after(boundMs + SOLVER_GRACE_MS, () => settle(undefined));
      waiting.set(id, settle);
      worker.postMessage({ id, program: programOf(problem), seconds: boundMs / 1_000, gap: PLAN_GAP });
    });
  }

  function endWhenIdle(): void {
    stopIdle();
    stopIdle = wall.after(SOLVER_IDLE_MS, () => void thread?.worker.terminate());
  }

  /** The checked answer to a problem with these columns. */
  async function found<T extends Cover | JointCover>(
    problem: JointProblem,
    boundMs: number,
    checked: (takenW: number[]) => T,
    gapOfCost: (cover: T) => number,
  ): Promise<T | undefined> {
    if (thread && thread.waiting.size >= SOLVER_QUEUE) return undefined;
    try {
      const answer = await ask(problem, boundMs);
      if (!answer) return undefined;
      const cover = checked(wattsOf(problem.columns, (name) => answer.values[name] ?? 0));
      if (!cover.sufficient) return undefined;
      return { ...cover, gap: answer.status === 'Optimal' ? PLAN_GAP : gapOfCost(cover) };
    } catch (error) {
      log.warn({ error: String(error) }, 'the solver gave no plan');
      return undefined;
    } finally {
      endWhenIdle();
    }
  }

  return {
    solve: (problem, boundMs) =>
      found(
        asJoint(problem),
        boundMs,
        (takenW) => coverOf(problem, takenW),
        ({ cost }) => gapOf(problem, cost),
      ),
    solveJoint: (problem, boundMs) =>
      found(
        problem,
        boundMs,
        (takenW) => jointCoverOf(problem, takenW, 'solver'),
        ({ gap }) => gap,
      ),
    async close() {
      stopIdle();
      await thread?.worker.terminate();
    },
  };
}
