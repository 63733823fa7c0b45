/** The state of the page: the DSO's stream, how fresh it is, and what is asked beside it. */

import { ask, every, listen, nowMs } from '@flexder/runtime/page/browser.ts';
import { computed, signal } from '@preact/signals';
import type { AggregatorView } from '../../src/operator-api/aggregators/aggregators.ts';
import type { Delta } from '../../src/operator-api/stream/changes.ts';
import type { LoadPoint, Snapshot } from '../../src/operator-api/stream/snapshot.ts';
import { apply, fromSnapshot, type Live, withPast } from './model.ts';
import { checkSession, mayNot } from './session.ts';

/** The DSO speaks once a second: a silence this long is an interruption. */
const SILENCE_MS = 5_000;
/** A line that has begun since this page was opened. */
const FEW_POINTS = 60;
const HEALTH_MS = 5_000;
const AGGREGATORS_MS = 15_000;

export const live = signal<Live | undefined>(undefined);
/** By the clock of this machine; moves on once a second. */
export const localMs = signal(nowMs());
const heardMs = signal<number | undefined>(undefined);

export const link = computed<'connecting' | 'live' | 'offline'>(() => {
  if (heardMs.value === undefined) return broken.value ? 'offline' : 'connecting';
  return broken.value || localMs.value - heardMs.value > SILENCE_MS ? 'offline' : 'live';
});
const broken = signal(false);
/** Since when nothing was heard, milliseconds. */
export const silenceMs = computed(() =>
  heardMs.value === undefined ? null : Math.max(0, localMs.value - heardMs.value),
);

/** Wall clock of the DSO, by which its deadlines run: it goes on between two messages. */
export const wallMs = computed(() => (live.value?.clocks.wallMs ?? 0) + Math.min(silenceMs.value ?? 0, SILENCE_MS));
export const gridMs = computed(() => live.value?.clocks.gridMs ?? 0);

/** Why nothing can be done by hand now; undefined when it can. */
export const whyNot = computed(() =>
  link.value === 'offline' ? 'The DSO does not answer: nothing can be done from here.' : mayNot.value,
);

export interface Dependency {
  readonly ok: boolean;
  readonly detail: string;
}
export const health = signal<Readonly<Record<string, Dependency>> | undefined>(undefined);
export const aggregators = signal<readonly AggregatorView[] | undefined>(undefined);

let stream: { close(): void } | undefined;

/** Listens, unless it does already. */
export function connect(): void {
  if (stream) return;
  stream = listen(
    '/api/v1/stream',
    {
      snapshot: (data) => {
        asked.clear();
        heard(fromSnapshot(JSON.parse(data) as Snapshot));
      },
      delta: (data) => live.value && heard(apply(live.value, JSON.parse(data) as Delta)),
    },
    () => {
      broken.value = true;
      // A session that has ended looks like an interruption, too.
      void checkSession();
    },
  );
  void readAggregators();
}

/** What was shown belongs to who was signed in. */
export function disconnect(): void {
  stream?.close();
  stream = undefined;
  live.value = undefined;
  heardMs.value = undefined;
}

function heard(state: Live): void {
  live.value = state;
  broken.value = false;
  heardMs.value = nowMs();
  localMs.value = heardMs.value;
}

/** What a snapshot of many feeders leaves out: the hours behind this one. Told once a connection. */
const asked = new Set<string>();
export async function needLoad(feederId: string): Promise<void> {
  if (!live.value || asked.has(feederId) || (live.value.load.get(feederId)?.length ?? 0) > FEW_POINTS) return;
  asked.add(feederId);
  const read = ask<{ points: LoadPoint[] }>(`/api/v1/load?feeder_id=${encodeURIComponent(feederId)}`);
  const past = await read.catch(() => asked.delete(feederId) && undefined);
  if (past && live.value) live.value = withPast(live.value, feederId, past.points);
}

async function readHealth(): Promise<void> {
  const read = ask<{ dependencies: Record<string, Dependency> }>('/health/ready', { also: [503] });
  health.value = await read.then(({ dependencies }) => dependencies).catch(() => undefined);
}

async function readAggregators(): Promise<void> {
  if (!stream) return;
  const read = ask<{ aggregators: AggregatorView[] }>('/api/v1/aggregators');
  aggregators.value = await read.then((answer) => answer.aggregators).catch(() => aggregators.value);
}

export function begin(): void {
  every(1_000, () => {
    localMs.value = nowMs();
  });
  every(HEALTH_MS, () => void readHealth());
  every(AGGREGATORS_MS, () => void readAggregators());
  void readHealth();
}
