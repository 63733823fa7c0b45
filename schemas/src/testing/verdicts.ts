/** What the validators say of samples that were changed in one place. */
import { expect } from 'chai';
import { type Fault, validateBeckn } from '../validators.ts';
import { changed, type Json, sample } from './files.ts';

export function fault(action: string, body: unknown): Fault {
  const verdict = validateBeckn(action, body);
  if (verdict.valid) throw new Error(`${action} was accepted`);
  expect(verdict.errors).to.have.length(1);
  return verdict.errors[0]!;
}

/** Requires the sample to pass and the changed sample to be refused at `path`. */
export function refused(action: string, pointer: string, value: Json | undefined, path = pointer): string {
  expect(validateBeckn(action, sample(action)).valid).to.equal(true);
  const found = fault(action, changed(sample(action), pointer, value));
  expect(found.path).to.equal(path);
  expect(found.code).to.equal('SCH_INVALID_FORMAT');
  return found.message;
}

export const accepted = (action: string, body: Json) =>
  expect(validateBeckn(action, body)).to.deep.equal({ valid: true });
