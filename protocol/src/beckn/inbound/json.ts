import { parseStrict } from '../json.ts';
import { bodyOf } from './media.ts';
import { reject, type StepRun } from './types.ts';

/** Strict JSON, read only now that its sender is known. */
export const json: StepRun = (state, { limits }) => {
  const verdict = parseStrict(bodyOf(state.request.body), limits.json);
  if (verdict.ok) {
    state.value = verdict.value;
    return undefined;
  }
  const { path, message } = verdict;
  // Well-formed, but no number this network has: a fault of the content.
  if (verdict.reason === 'number') return reject('SCH_INVALID_FORMAT', 'number', message, { path });
  return reject('SCH_INVALID_JSON', 'json', `${verdict.reason}: ${message}`, { path });
};
