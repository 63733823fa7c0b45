/**
 * Writes src/generated/ from the schemas: one ESM module of standalone ajv validators, its declarations,
 * the TypeScript types and the error catalogue. Run by the root `prepare`; needs only installed packages.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle, isRoot, load, room } from './bundle.mjs';
import { types } from './types.mjs';
import { validators } from './validators.mjs';

const target = join(room, 'src', 'generated');
const HEADER = '// Written by schemas/scripts/generate.mjs; edit the schemas instead.\n';

function errorCatalogue() {
  const rows = JSON.parse(readFileSync(join(room, 'errors.json'), 'utf8'));
  const members = rows.map((row) => `  ${JSON.stringify(row.code)}: ${JSON.stringify(row)},\n`);
  return `export const ERRORS = {\n${members.join('')}} as const;\n`;
}

/** Written beside and renamed, so that a program that starts meanwhile never reads half a file. */
function write(name, text) {
  const path = join(target, name);
  const scratch = `${path}.${process.pid}.tmp`;
  writeFileSync(scratch, HEADER + text);
  renameSync(scratch, path);
}

const DECLARATIONS = `import type { ErrorObject } from 'ajv';

export interface Validate {
  (data: unknown): boolean;
  errors?: null | ErrorObject[];
}
export const beckn: ReadonlyMap<string, Validate>;
export const device: ReadonlyMap<string, Validate>;
export const record: ReadonlyMap<string, Validate>;
export const stream: ReadonlyMap<string, Validate>;
`;

const startedMs = performance.now();
const files = load();
mkdirSync(target, { recursive: true });
const document = bundle(files);
write('validators.js', await validators(document, files.filter(isRoot)));
write('validators.d.ts', DECLARATIONS);
write('types.ts', await types(document));
write('error-catalogue.ts', errorCatalogue());
const tookMs = Math.round(performance.now() - startedMs);
console.error(`schemas: ${files.filter(isRoot).length} validators and their types generated in ${tookMs} ms`);
