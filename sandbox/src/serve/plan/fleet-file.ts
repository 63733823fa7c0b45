/**
 * The files of a fleet that runs as a process of its own. The manifest names the story instead of repeating it: which
 * devices there are and what the feeders draw follow from scenario, seed and start, as the other services have them.
 */
import { isIdentifier } from '@flexder/protocol/beckn/identifiers.ts';
import { eveningPeakNow } from '../../scenario/starting-now.ts';
import type { Scenario } from '../../scenario/types.ts';

export interface FleetManifest {
  readonly v: 1;
  readonly scenario: { readonly name: 'evening-peak' } & ScenarioSize;
  /** Where the scenario's start lies in wall time, RFC 3339. */
  readonly startAt: string;
  readonly dsoId: string;
}

export interface ScenarioSize {
  readonly seed: number;
  readonly ders: number;
  readonly feeders: number;
  readonly bpps: number;
}

export interface FleetCredentials {
  readonly [id: string]: { readonly username: string; readonly password: string };
}

/** The history before the start is not the fleet's business; making it takes most of the time. */
const HISTORY_DAYS = 1;

/** Throws a RangeError in words for anything that is not a manifest. */
export function scenarioOf(value: unknown): { readonly scenario: Scenario; readonly dsoId: string } {
  const manifest = (value ?? {}) as Partial<FleetManifest>;
  const startMs = typeof manifest.startAt === 'string' ? Date.parse(manifest.startAt) : Number.NaN;
  if (manifest.v !== 1) throw new RangeError('a fleet manifest has "v": 1');
  if (manifest.scenario?.name !== 'evening-peak') throw new RangeError('scenario.name must be evening-peak');
  if (Number.isNaN(startMs)) throw new RangeError('startAt must be an RFC 3339 instant');
  if (!isIdentifier(manifest.dsoId)) throw new RangeError('dsoId must be the subscriber id of the DSO');
  const { seed, ders, feeders, bpps } = manifest.scenario;
  for (const [name, size] of Object.entries({ seed, ders, feeders, bpps })) {
    if (!Number.isInteger(size) || size < 0) throw new RangeError(`scenario.${name} must be a whole number`);
  }
  const scenario = eveningPeakNow({ seed, ders, feeders, bpps, historyDays: HISTORY_DAYS }, startMs);
  return { scenario, dsoId: manifest.dsoId };
}

/** Throws a RangeError that names the first device or feeder without a login. */
export function credentialsOf(value: unknown, ids: readonly string[]): FleetCredentials {
  const logins = (value ?? {}) as FleetCredentials;
  for (const id of ids) {
    const login = Object.hasOwn(logins, id) ? logins[id] : undefined;
    if (typeof login?.username !== 'string' || typeof login.password !== 'string')
      throw new RangeError(`${id} has no {"username", "password"}`);
  }
  return logins;
}
