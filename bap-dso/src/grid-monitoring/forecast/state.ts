/** The state of a forecaster as bytes: bounded, versioned, and restored to the very same numbers. */
import { deserialize, serialize } from 'node:v8';
import type { SeriesState } from '../telemetry/series.ts';
import { MODEL_VERSION } from './load-model.ts';
import type { RollingState } from './rolling.ts';
import type { ShortTermState } from './short-term.ts';

export interface ForecastState {
  readonly series: SeriesState;
  readonly rolling: RollingState;
  readonly short: ShortTermState;
  readonly relievedMs: number;
}

export function packState(state: ForecastState): Uint8Array {
  return serialize({ version: MODEL_VERSION, state });
}

/** Throws RangeError on the state of another version: its features mean something else, so it is fitted anew. */
export function unpackState(bytes: Uint8Array): ForecastState {
  const { version, state } = deserialize(bytes) as { version: string; state: ForecastState };
  if (version !== MODEL_VERSION) {
    throw new RangeError(`a forecast state of version ${String(version)} is not one of version ${MODEL_VERSION}`);
  }
  return state;
}
