/** What happens to whom and when: it follows from the seed alone. */
import { seededRandom } from '@flexder/runtime/random.ts';

export type Blow =
  /** SIGKILL, and started again `afterMs` later. */
  | { readonly kind: 'kill'; readonly atMs: number; readonly service: string; readonly afterMs: number }
  /** SIGSTOP, and SIGCONT `afterMs` later. */
  | { readonly kind: 'pause'; readonly atMs: number; readonly service: string; readonly afterMs: number };

export interface ChaosOptions {
  readonly seed: number;
  /** How long blows fall and orders are placed. */
  readonly seconds: number;
  readonly orders: number;
  /** On PostgreSQL, Redis and Mosquitto, with three processes of the first aggregator. */
  readonly engines: boolean;
}

const FIRST_MS = 1_500;
/** Between two blows; several may be under way. */
const PAUSE_MS: readonly [number, number] = [1_200, 4_500];
const DOWN_MS: readonly [number, number] = [100, 2_500];
/** Shorter than a service is down: what is stopped and comes back is the harder case. */
const STOPPED_MS: readonly [number, number] = [300, 4_000];
const KILL_SHARE = 0.65;

/** Who is hit how often, against the others. */
const WEIGHTS: readonly (readonly [service: RegExp, weight: number])[] = [
  [/^bpp-/, 4],
  [/^bap$/, 2],
  [/^(broker|queue)$/, 1],
  [/^(registry|gateway)$/, 1],
];

export function planBlows({ seed, seconds }: ChaosOptions, services: readonly string[]): Blow[] {
  const random = seededRandom(`chaos/${seed}`);
  const lots = services.flatMap((service) => {
    const weight = WEIGHTS.find(([pattern]) => pattern.test(service))?.[1] ?? 0;
    return Array.from({ length: weight }, () => service);
  });
  const blows: Blow[] = [];
  for (let atMs = FIRST_MS; atMs < seconds * 1000; atMs += Math.round(random.between(...PAUSE_MS))) {
    const service = lots[Math.floor(random.between(0, lots.length))]!;
    const kill = random.between(0, 1) < KILL_SHARE;
    const afterMs = Math.round(random.between(...(kill ? DOWN_MS : STOPPED_MS)));
    blows.push({ kind: kill ? 'kill' : 'pause', atMs, service, afterMs });
  }
  return blows;
}
