import { randomBytes, randomUUID } from 'node:crypto';
import type { Activity } from './activity.ts';
import type { GridClock, WallClock } from './clock.ts';
import type { Archive } from './engines/archive/port.ts';
import type { DeviceBus } from './engines/bus/port.ts';
import type { DatabaseEngine } from './engines/database/port.ts';
import type { EventStream } from './engines/events/port.ts';
import type { JobQueueEngine } from './engines/queue/port.ts';
import type { listen } from './http/listen.ts';
import type { Outbound } from './http/outbound.ts';
import type { Logger } from './logging.ts';
import type { Metrics } from './metrics.ts';

/** Everything a service takes from the world. A test may replace any of these and nothing else. */
export interface Context {
  readonly wall: WallClock;
  readonly grid: GridClock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly activity: Activity;
  readonly http: Outbound;
  /** How a service is reached; at a socket when absent. */
  readonly listen?: typeof listen;
  readonly engines: Engines;
}

export interface Engines {
  readonly database: DatabaseEngine;
  readonly queue: JobQueueEngine;
  readonly bus: DeviceBus;
  readonly events: EventStream;
  readonly archive: Archive;
}

export interface Ids {
  /** RFC 9562 version 4. */
  uuid(): string;
  /** Cryptographically random bytes: keys, nonces, passwords. */
  secret(bytes: number): Uint8Array;
}

export function systemIds(): Ids {
  return { uuid: () => randomUUID(), secret: (bytes) => randomBytes(bytes) };
}

/** A running service. */
export interface Service {
  readonly name: string;
  /** Base URL of its HTTP side; empty when it has none. */
  readonly url: string;
  health(): Promise<Health>;
  /** Stops taking work, ends what is in flight (bounded), closes what it opened. */
  close(): Promise<void>;
}

export interface Health {
  readonly ready: boolean;
  readonly dependencies: Readonly<
    Record<string, { readonly ok: boolean; readonly detail: string; readonly ageMs: number }>
  >;
}
