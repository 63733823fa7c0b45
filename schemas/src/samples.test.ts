import { expect } from 'chai';
import { beckn } from './generated/validators.js';
import { at, changed, isObject, type Json, type JsonObject, listJson, pointers, sample } from './testing/files.ts';
import { validateBeckn } from './validators.ts';

const actions = listJson('samples/v1.1').map((file) => file.replace('.json', ''));
const valid = (action: string, body: Json) => validateBeckn(action, body).valid;

describe('the worked messages', () => {
  it('are one for each action and callback', () => {
    expect(actions).to.deep.equal([...beckn.keys()].sort());
    expect(actions).to.have.length(20);
  });

  for (const action of actions) {
    it(`${action} is valid for its action and for no other`, () => {
      expect(validateBeckn(action, sample(action))).to.deep.equal({ valid: true });
      for (const other of actions.filter((each) => each !== action))
        expect(valid(other, sample(action))).to.equal(false);
    });
  }
});

/** Every change that `change` makes of a value somewhere in the samples, with the verdict on it. */
function mutate(change: (value: Json, parent: Json, body: JsonObject, pointer: string) => JsonObject | undefined) {
  const missed: string[] = [];
  let cases = 0;
  for (const action of actions) {
    const body = sample(action);
    for (const pointer of pointers(body)) {
      const parent = at(body, pointer.slice(0, pointer.lastIndexOf('/'))) ?? body;
      const mutant = change(at(body, pointer) ?? null, parent, body, pointer);
      if (mutant === undefined) continue;
      cases++;
      if (valid(action, mutant)) missed.push(`${action} ${pointer}`);
    }
  }
  return { cases, missed };
}

describe('one change in a worked message', () => {
  it('is noticed when a string becomes a number', () => {
    const { cases, missed } = mutate((value, _, body, pointer) =>
      typeof value === 'string' ? changed(body, pointer, 1) : undefined,
    );
    expect(missed).to.deep.equal([]);
    expect(cases).to.be.above(900);
  });

  it('is noticed when an object or array becomes a string', () => {
    const { missed } = mutate((value, _, body, pointer) =>
      typeof value === 'object' ? changed(body, pointer, 'x') : undefined,
    );
    expect(missed).to.deep.equal([]);
  });

  it('is noticed when an object gets an unknown member', () => {
    const { cases, missed } = mutate((value, _, body, pointer) =>
      isObject(value) ? changed(body, `${pointer}/zzz`, 1) : undefined,
    );
    expect(missed).to.deep.equal([]);
    expect(cases).to.be.above(700);
  });

  it('is noticed for at least 85 of 100 deleted members, all the needed ones among them', () => {
    const { cases, missed } = mutate((_, parent, body, pointer) =>
      isObject(parent) ? changed(body, pointer, undefined) : undefined,
    );
    expect(missed.length / cases).to.be.below(0.15);
    for (const member of [
      '/context',
      '/message',
      '/message/order/provider',
      '/message/order/items',
      '/message/order_id',
    ]) {
      expect(missed.filter((each) => each.endsWith(` ${member}`))).to.deep.equal([]);
    }
  });
});
