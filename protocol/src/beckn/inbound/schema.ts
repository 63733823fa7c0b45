import { isAction } from '../actions.ts';
import type { BecknBody } from '../envelope.ts';
import { incomplete, reject, type StepRun } from './types.ts';

/** How many of a schema's errors a peer is told. */
const ERRORS_TOLD = 5;

/** The schema of the action. What passes is a message of this network, and only then is it typed as one. */
export const schema: StepRun = (state, { validate }) => {
  const { action } = state.request;
  if (!isAction(action)) return incomplete('binding');
  const verdict = validate(action, state.value as BecknBody);
  if (verdict.valid) return undefined;
  const told = verdict.errors.slice(0, ERRORS_TOLD);
  const text = told.map((error) => `${error.path || '/'}: ${error.message} (${error.code})`).join('; ');
  return reject('SCH_INVALID_FORMAT', 'schema', text || 'the body does not match its schema', {
    path: told[0]?.path ?? '',
  });
};
