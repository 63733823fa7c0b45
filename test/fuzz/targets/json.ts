import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseStrict } from '@flexder/protocol/beckn/json.ts';
import { validateBeckn } from '@flexder/schemas/validators.ts';
import type { Target } from '../targets.ts';

const LIMITS = { maxDepth: 32, maxMembers: 1_000, maxArrayLength: 1_000, maxStringLength: 100_000 };
const samples = join(import.meta.dirname, '../../../schemas/samples/v1.1');
const files = readdirSync(samples).filter((name) => name.endsWith('.json'));

/** The JSON guard and the schemas behind it: never a throw; what is taken is what the text says, and poisons nothing. */
export const json: Target = {
  corpus: files.map((name) => readFileSync(join(samples, name))),
  words: ['"context":{', '"bpp_id":"x",', '"__proto__":{"polluted":1},', '1E+9', '[[[[', '\\u0000', '\\ud83d', '"\\u'],
  feed(input) {
    const verdict = parseStrict(input, LIMITS);
    assert.equal(({} as { polluted?: unknown }).polluted, undefined, 'no prototype is touched');
    if (!verdict.ok) {
      assert.ok(verdict.position >= 0 && verdict.position <= input.length, 'the place lies within the text');
      assert.ok(verdict.message.length > 0 && verdict.message.length < 1_000, 'a refusal says why, in short');
      return false;
    }
    assert.deepEqual(verdict.value, JSON.parse(input.toString('utf8')), 'the value is the text');
    assert.ok(depthOf(verdict.value) <= LIMITS.maxDepth + 1, 'no deeper than allowed');
    for (const name of files) {
      const schema = validateBeckn(name.replace('.json', ''), verdict.value);
      if (!schema.valid) assert.ok(schema.errors.length > 0, 'a refusal names what is wrong');
    }
    return true;
  },
};

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
