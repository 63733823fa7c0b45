import { expect } from 'chai';
import { isObject, type Json, type JsonObject, listJson, readJson } from './testing/files.ts';

const folders = ['.', 'beckn/v1.1', 'devices', 'records', 'stream'];
const files = folders.flatMap((folder) => listJson(folder, '.schema.json').map((file) => `${folder}/${file}`));

interface Part {
  readonly where: string;
  readonly schema: JsonObject;
}

/** Keywords whose value is a map of schemas, a list of schemas, or one schema. */
const MAPS = ['properties', '$defs'];
const LISTS = ['allOf', 'anyOf', 'oneOf'];
const ONES = ['items', 'if', 'then', 'else', 'not', 'contains', 'additionalProperties', 'propertyNames'];

/** Every schema in a file, each with its JSON pointer. */
function parts(where: string, schema: Json | undefined): Part[] {
  if (!isObject(schema)) return [];
  const inside = (key: string, node: Json | undefined) =>
    Object.entries(node ?? {}).flatMap(([name, each]) => parts(`${where}/${key}/${name}`, each as Json));
  return [
    { where, schema },
    ...MAPS.flatMap((key) => inside(key, schema[key])),
    ...LISTS.flatMap((key) => inside(key, schema[key])),
    ...ONES.flatMap((key) => parts(`${where}/${key}`, schema[key])),
  ];
}

const all = files.flatMap((file) => parts(file, readJson(file)));
const failing = (test: (schema: JsonObject) => boolean) =>
  all.filter(({ schema }) => test(schema)).map(({ where }) => where);

/** A group that may repeat and has a quantifier of its own inside: `(a+)+`, `(a*b){2,}`. */
function hasNestedQuantifier(pattern: string): boolean {
  const plain = pattern.replace(/\\./g, 'x').replace(/\[[^\]]*\]/g, 'x');
  const repeats = /[*+]|\{\d+,\d*\}|\{[2-9]\d*\}/;
  let rest = plain;
  for (;;) {
    const group = /\(([^()]*)\)([*+]|\{\d+(?:,\d*)?\})?/.exec(rest);
    if (group === null) return false;
    if (group[2] !== undefined && repeats.test(group[1] ?? '')) return true;
    // What was inside stays as one token, quantified or not, for the group around it.
    rest = rest.replace(group[0], repeats.test(group[1] ?? '') || group[2] !== undefined ? 'y+' : 'y');
  }
}

/** Two of them side by side, as in `^ *a? *$`, take quadratic time; with one there is nothing to try again. */
function unboundedQuantifiers(pattern: string): number {
  const plain = pattern.replace(/\\./g, 'x').replace(/\[[^\]]*\]/g, 'x');
  // A lookahead is tried once, at the start.
  return (plain.replace(/\(\?[=!][^()]*\)/g, '').match(/[*+]|\{\d+,\}/g) ?? []).length;
}

describe('the schemas', () => {
  it('are found', () => {
    expect(files).to.have.length.above(30);
    expect(all).to.have.length.above(500);
  });

  it('bound every string', () => {
    expect(failing((schema) => schema.type === 'string' && schema.maxLength === undefined)).to.deep.equal([]);
  });

  it('bound every array', () => {
    expect(failing((schema) => schema.type === 'array' && schema.maxItems === undefined)).to.deep.equal([]);
  });

  it('close every object that lists its members', () => {
    const open = failing((schema) => {
      const condition = schema.additionalProperties === undefined && schema.maxProperties === undefined;
      return schema.type === 'object' && condition;
    });
    expect(open.filter((where) => !/\/contains(\/|$)/.test(where))).to.deep.equal([]);
  });

  it('bound every number', () => {
    const open = (schema: JsonObject) => schema.minimum === undefined || schema.maximum === undefined;
    expect(failing((schema) => ['number', 'integer'].includes(schema.type as string) && open(schema))).to.deep.equal(
      [],
    );
  });

  it('MSG-13: have only patterns that are anchored and take linear time', () => {
    const patterns = all.flatMap(({ where, schema }) =>
      typeof schema.pattern === 'string' ? [{ where, pattern: schema.pattern }] : [],
    );
    expect(patterns).to.have.length.above(30);
    for (const { where, pattern } of patterns) {
      expect(pattern, where).to.match(/^\^.*\$$/s);
      expect(hasNestedQuantifier(pattern), where).to.equal(false);
      expect(unboundedQuantifiers(pattern), where).to.be.below(2);
    }
  });

  it('would notice a nested quantifier, and two side by side', () => {
    for (const pattern of ['^(a+)+$', '^(\\d*x){2,}$', '^((ab*)c)*$', '^([a-z]{1,9}\\.){1,4}$']) {
      expect(hasNestedQuantifier(pattern), pattern).to.equal(true);
    }
    expect(['^ *a? *$', '^[a-z]+[a-z0-9]{2,}$', '^(?=.*x)\\*a+$'].map(unboundedQuantifiers)).to.deep.equal([2, 2, 1]);
    for (const pattern of ['^a+b*$', '^(\\.\\d{1,3})?$', '^([a-z]x){2}$'])
      expect(hasNestedQuantifier(pattern), pattern).to.equal(false);
  });
});
