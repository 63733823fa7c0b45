import { isAction } from '@flexder/protocol/beckn/actions.ts';
import { parseStrict } from '@flexder/protocol/beckn/json.ts';
import { JSON_LIMITS } from '@flexder/protocol/beckn/limits.ts';
import { validateBeckn } from '@flexder/schemas/validators.ts';
import { type Command, print } from '../command.ts';
import { readAll } from '../input.ts';

type Verdict = { valid: true } | { valid: false; errors: { path: string; code: string; message: string }[] };

function refuse(path: string, code: string, message: string): Verdict {
  return { valid: false, errors: [{ path, code, message }] };
}

/** One message: strict JSON first, then the schema of the action its context names. */
export function validateMessage(bytes: Uint8Array): Verdict {
  const json = parseStrict(bytes, JSON_LIMITS);
  if (!json.ok) return refuse(json.path, 'SCH_INVALID_JSON', json.message);
  const action = (json.value as { context?: { action?: unknown } } | null)?.context?.action;
  if (!isAction(action)) {
    const shown = action === undefined ? 'missing' : JSON.stringify(action).slice(0, 60);
    return refuse(
      '/context/action',
      'SCH_INVALID_FORMAT',
      `the action is ${shown}; expected one of Beckn 1.1, e.g. "search"`,
    );
  }
  return validateBeckn(action, json.value);
}

function* lines(bytes: Uint8Array): Generator<Uint8Array> {
  let start = 0;
  while (start < bytes.length) {
    const newline = bytes.indexOf(10, start);
    const end = newline === -1 ? bytes.length : newline;
    const line = bytes.subarray(start, end);
    if (line.some((byte) => byte > 32)) yield line;
    start = end + 1;
  }
}

const command: Command = {
  summary: 'Checks Beckn 1.1 messages against the strict schemas; one line of JSON each',
  arguments: '[--jsonl] [FILE…]',
  options: { jsonl: { type: 'boolean', help: 'every line of the input is a message' } },
  async run(values, files) {
    const out: string[] = [];
    let allValid = true;
    for (const file of files.length > 0 ? files : [undefined]) {
      const bytes = readAll(file);
      for (const message of values.jsonl === true ? lines(bytes) : [bytes]) {
        const verdict = validateMessage(message);
        allValid &&= verdict.valid;
        out.push(JSON.stringify(verdict));
      }
    }
    print(out.join('\n'));
    return allValid ? 0 : 1;
  },
};
export default command;
