/** The steps of an event, read once and then only what is new. */
import { ask, type ProblemError } from '@flexder/runtime/page/browser.ts';
import type { Read } from '@flexder/runtime/page/parts.tsx';
import { useEffect, useState } from 'preact/hooks';
import type { Step, StepPage } from '../../src/operator-api/events/steps.ts';
import type { Live } from './model.ts';
import { checkSession } from './session.ts';

const PAGE_ROWS = 500;
/** More than an event has; the audit screen has the rest. */
const STEPS = 2_000;

export interface Steps {
  readonly eventId: string;
  readonly detectedMs: number;
  readonly steps: readonly Step[];
  /** There are more than are read. */
  readonly cut: boolean;
}

export function useSteps(state: Live, eventId: string): Read<Steps> {
  const [read, set] = useState<Read<Steps>>({ loading: true });
  const known = read.data?.eventId === eventId ? read.data : undefined;
  const version = newestOf(state, eventId, known?.steps ?? []);
  useEffect(() => {
    let wanted = true;
    const give = (next: Read<Steps>) => wanted && set(next);
    readOn(eventId, known).then(
      (data) => give({ data, loading: false }),
      (problem: ProblemError) => {
        give({ ...(known && { data: known }), problem, loading: false });
        if (problem.status === 401) void checkSession();
      },
    );
    return () => {
      wanted = false;
    };
  }, [eventId, version]);
  return known || read.problem ? read : { loading: true };
}

async function readOn(eventId: string, known: Steps | undefined): Promise<Steps> {
  const steps = [...(known?.steps ?? [])];
  let { detectedMs = 0, cut = false } = known ?? {};
  for (let after: number | null = steps.at(-1)?.record.seq ?? 0; after !== null; ) {
    cut = steps.length >= STEPS;
    if (cut) break;
    const path = `/api/v1/events/${encodeURIComponent(eventId)}/steps?limit=${PAGE_ROWS}&after=${after}`;
    const page: StepPage = await ask<StepPage>(path);
    detectedMs = page.detectedMs ?? Date.parse(page.steps[0]?.record.ts_utc ?? '');
    steps.push(...page.steps);
    after = page.nextAfter;
  }
  return { eventId, detectedMs, steps, cut };
}

/** Changes when there is a new record of the event: those of its searches name their transaction alone. */
function newestOf(state: Live, eventId: string, steps: readonly Step[]): number {
  const transactions = new Set(steps.flatMap(({ record }) => record.transaction_id ?? []));
  const isOfIt = (record: Live['audit'][number]) =>
    record.event_id === eventId || transactions.has(record.transaction_id ?? '');
  return state.audit.findLast(isOfIt)?.seq ?? 0;
}
