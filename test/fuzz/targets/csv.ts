import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PowerFlowError, readPowerFlow } from '@flexder/bap-dso/grid-monitoring/forecast/power-flow-file.ts';
import { importNetwork } from '@flexder/bap-dso/network-model/import.ts';
import { NetworkImportError } from '@flexder/bap-dso/network-model/problems.ts';
import type { Target } from '../targets.ts';

const samples = join(import.meta.dirname, '../../../schemas/samples/network');
const FILES = ['ders.csv', 'feeders.csv', 'ratings.csv', 'transformers.csv', 'links.csv', 'network.json'];
const PROBLEM = /^[\w.]+(, line \d+)?/;

/** A network set of which one file is changed; the first line of an input is the file's name. */
export const networkCsv: Target = {
  corpus: FILES.map((name) => Buffer.concat([Buffer.from(`${name}\n`), readFileSync(join(samples, name))])),
  words: ['""', '"', 'true', '02-30', '1200000000000', 'feeder_id,', '\n', '\t', ';', '-5', '1e9', '\u00a0'],
  feed(input) {
    const end = input.indexOf('\n');
    const name = input.subarray(0, Math.max(0, end)).toString();
    if (!FILES.includes(name)) return false;
    const dir = mkdtempSync(join(tmpdir(), 'flexder-fuzz-'));
    try {
      cpSync(samples, dir, { recursive: true });
      writeFileSync(join(dir, name), input.subarray(end + 1));
      const model = importNetwork(dir);
      assert.ok(model, 'what is taken is a model');
      return true;
    } catch (error) {
      if (!(error instanceof NetworkImportError)) throw error;
      assert.ok(error.problems.length > 0, 'a refusal names a problem');
      for (const problem of error.problems) assert.match(problem, PROBLEM, 'a problem begins with its file');
      return false;
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
};

const line = (slot: number, id: string) =>
  `${new Date(Date.UTC(2026, 0, 1) + slot * 1_800_000).toISOString()},${id},1.${slot % 10},${100 + slot}`;
const flow = ['timestamp,tx_id,active_power_mw,current_amps']
  .concat(Array.from({ length: 24 }, (_, slot) => [line(slot, 't1'), line(slot, 't2')]).flat())
  .join('\n');

/** A file of feeder readings, as `flexder forecast evaluate` takes it. */
export const powerFlowCsv: Target = {
  corpus: [Buffer.from(flow), Buffer.from(flow.replaceAll(',', ';'))],
  words: ['nan', '2026-03-29T01:30:00', '+01:00', '9999-99-99', 'tx_id', '\n\n', '"', ',,', '-1e308'],
  feed(input) {
    try {
      const { readings, stepMs } = readPowerFlow(input);
      assert.ok(
        readings.every(({ load }) => Number.isFinite(load)),
        'every load is a number',
      );
      assert.ok(
        readings.every(({ atMs }, i) => i === 0 || atMs > readings[i - 1]!.atMs),
        'in the order of time',
      );
      assert.ok(stepMs > 0);
      return true;
    } catch (error) {
      if (!(error instanceof PowerFlowError)) throw error;
      return false;
    }
  },
};
