/** What is fuzzed, and what must hold whatever comes. */
import type { Buffer } from 'node:buffer';
import { config } from './targets/config.ts';
import { networkCsv, powerFlowCsv } from './targets/csv.ts';
import { header } from './targets/header.ts';
import { json } from './targets/json.ts';
import { mqtt } from './targets/mqtt.ts';

export interface Target {
  /** Valid inputs: `feed` must take each of them. */
  readonly corpus: readonly Buffer[];
  /** Of what the format is made. */
  readonly words: readonly string[];
  /** Throws when something does not hold; returns whether the input was taken. */
  feed(input: Buffer): boolean;
}

export const TARGETS: Readonly<Record<string, Target>> = { header, json, mqtt, networkCsv, powerFlowCsv, config };
