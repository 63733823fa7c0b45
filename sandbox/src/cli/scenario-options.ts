import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { eveningPeak } from '../scenario/evening-peak.ts';
import type { Scenario, ScenarioOptions } from '../scenario/types.ts';
import { type CommandOptions, integer, text, UsageError, type Values } from './command.ts';

const LARGEST_SEED = 2_147_483_647;

/** What `demo` and `up` have in common. */
export const SCENARIO_OPTIONS: CommandOptions = {
  scenario: { type: 'string', value: 'NAME', help: 'evening-peak (the only one yet)' },
  seed: { type: 'string', value: 'N', help: 'another seed, another story; the same seed, the same (1)' },
  ders: { type: 'string', value: 'N', help: 'simulated devices (330)' },
  feeders: { type: 'string', value: 'N', help: 'feeders, at least 3 (3)' },
  bpps: { type: 'string', value: 'N', help: 'aggregators (2)' },
  data: { type: 'string', value: 'DIR', help: 'keep database and archive in DIR' },
  port: { type: 'string', value: 'N', help: 'port of the DSO’s page and API' },
  'log-level': { type: 'string', value: 'LEVEL', help: 'silent, error, warn, info, debug (error)' },
};

/** `build` makes the scenario from the options; throws a UsageError that names a bad one. */
export function scenarioOf(values: Values, build: (options: ScenarioOptions) => Scenario = eveningPeak): Scenario {
  const name = text(values, 'scenario') ?? 'evening-peak';
  if (name !== 'evening-peak')
    throw new UsageError(`--scenario ${JSON.stringify(name)} is not known: use evening-peak`);
  try {
    return build({
      seed: integer(values, 'seed', 1, 0, LARGEST_SEED),
      ders: integer(values, 'ders', 330, 0, 20_000),
      feeders: integer(values, 'feeders', 3, 1, 100),
      bpps: integer(values, 'bpps', 2, 0, 32),
    });
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}

const LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;

export function logLevelOf(values: Values): (typeof LEVELS)[number] {
  const level = text(values, 'log-level') ?? 'error';
  const known = LEVELS.find((one) => one === level);
  if (!known) throw new UsageError(`--log-level must be one of ${LEVELS.join(', ')}, not ${JSON.stringify(level)}`);
  return known;
}

export interface DataFolder {
  readonly path: string;
  readonly kept: boolean;
  remove(): void;
}

/**
 * The folder asked for, or a fresh one that goes when the command ends. A scenario begins at its own grid time, so a
 * folder that holds an earlier run is refused: the record would run backwards.
 */
export function dataFolder(values: Values): DataFolder {
  const asked = text(values, 'data');
  if (asked !== undefined) {
    const path = resolve(asked);
    try {
      mkdirSync(path, { recursive: true });
    } catch (error) {
      throw new UsageError(`--data ${path} cannot be used: ${(error as Error).message}`);
    }
    if (existsSync(join(path, 'database'))) {
      throw new UsageError(`--data ${path} holds a run already: name a new folder, or remove this one first`);
    }
    return { path, kept: true, remove: () => {} };
  }
  const path = mkdtempSync(join(tmpdir(), 'flexder-'));
  return { path, kept: false, remove: () => rmSync(path, { recursive: true, force: true }) };
}
