/** TypeScript types of the same document. */
import { compile } from 'json-schema-to-typescript';
import { isMap, mapValues } from './bundle.mjs';

/** Keywords that narrow a value but say nothing a TypeScript type could hold. */
const NARROWING = new Set(
  'allOf if then else not contains minContains maxContains propertyNames format pattern minProperties maxProperties'.split(
    ' ',
  ),
);

/** Rewrites one schema for the type compiler: without the narrowing keywords. */
function typed(node) {
  if (Array.isArray(node)) return node.map(typed);
  if (!isMap(node)) return node;
  if (typeof node.$ref === 'string') return typedReference(node);
  const kept = Object.entries(node).filter(
    ([key, value]) => !NARROWING.has(key) && !(key === 'anyOf' && !isUnion(value)),
  );
  return Object.fromEntries(
    kept.map(([key, value]) => [key, key === 'properties' ? mapValues(value, typed) : typed(value)]),
  );
}

/** An `anyOf` of whole types, not of conditions such as `required`. */
const isUnion = (alternatives) => alternatives.every((each) => each.type ?? each.$ref ?? each.enum);

/** A constant in `properties` beside a reference narrows a member: an intersection in TypeScript. */
function typedReference(node) {
  const reference = { $ref: node.$ref };
  const constants = Object.entries(node.properties ?? {}).filter(([, value]) => value.const !== undefined);
  if (constants.length === 0) return reference;
  const properties = Object.fromEntries(constants);
  return {
    allOf: [reference, { type: 'object', additionalProperties: false, required: Object.keys(properties), properties }],
  };
}

/** Tag rules narrow the one TagGroup and have no type of their own. */
const hasType = (part) => part.type !== undefined || part.enum !== undefined || part.const !== undefined;

export async function types(document) {
  const $defs = mapValues(
    Object.fromEntries(Object.entries(document.$defs).filter(([, part]) => hasType(part))),
    typed,
  );
  const options = { bannerComment: '', format: false, ignoreMinAndMaxItems: true, unreachableDefinitions: true };
  const code = await compile(
    { $defs, type: 'object', additionalProperties: false, properties: {} },
    'SchemaParts',
    options,
  );
  return code.replace(/ \* \n \* This interface was referenced by[^\n]*\n \* via the[^\n]*\n/g, '');
}
