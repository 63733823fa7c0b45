import { expect } from 'chai';
import { derId, IdentifierError, isIdentifier } from './identifiers.ts';

describe('identifiers', () => {
  for (const good of ['a', 'bap-dso.example.com', 'LPN_041', '0', `a${'b'.repeat(127)}`, 'toString']) {
    it(`accepts ${good.slice(0, 24)}`, () => expect(derId(good)).to.equal(good));
  }

  for (const bad of [
    '',
    '+',
    '#',
    'a/b',
    '$SYS',
    'a\0',
    'a b',
    '.a',
    '-a',
    'a\n',
    'a\r\nX: y',
    '=cmd()',
    '<b>',
    'é',
    'a\u202eb',
    `a${'b'.repeat(128)}`,
    '__proto__',
    'constructor',
    'prototype',
    'null',
    'undefined',
    7,
    null,
    undefined,
    {},
    ['a'],
  ]) {
    it(`refuses ${JSON.stringify(bad)?.slice(0, 24)}`, () => {
      expect(isIdentifier(bad)).to.equal(false);
      expect(() => derId(bad)).to.throw(IdentifierError, 'DER id');
    });
  }
});
