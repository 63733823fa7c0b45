/** What a service of `flexder serve` is: how it reads its configuration, and how it starts from that. */
import type { Activity } from '@flexder/runtime/activity.ts';
import type { WallClock } from '@flexder/runtime/clock.ts';
import type { Context, Health } from '@flexder/runtime/context.ts';
import type { Logger } from '@flexder/runtime/logging.ts';
import type { Metrics } from '@flexder/runtime/metrics.ts';
import type { Env, ProcessConfig } from '../settings/config.ts';

/** What a process has before its service starts. */
export interface Base {
  readonly config: ProcessConfig;
  readonly wall: WallClock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly activity: Activity;
  /** Closed when the process ends, last first. */
  keep<P extends { close(): Promise<void> }>(part: P): P;
  /** Opens every engine of the configuration. */
  context(): Promise<Context>;
  /** Resolves when something accepts connections at `url`; rejects after a bound, naming `what`. */
  reachable(what: string, url: string): Promise<void>;
  /** Runs on SIGHUP. */
  onReload(reload: () => void): void;
}

export interface Running {
  /** Empty when it has no address. */
  readonly url: string;
  health(): Promise<Health>;
  /** Sets the gauges that are only worth reading when somebody looks. */
  measure?(): void;
}

export type Start = (base: Base) => Promise<Running>;

export interface ServiceKind {
  /** Throws an error named ConfigError for what is wrong; starts nothing. */
  configure(env: Env): Start;
  /** By variable, what holds in an environment that `configure` takes: defaults too. */
  settings?(env: Env): Readonly<Record<string, unknown>>;
}
