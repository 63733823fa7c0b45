/** Standalone validators: no schema is compiled when a program runs. */
import Ajv2020 from 'ajv/dist/2020.js';
import standaloneCode from 'ajv/dist/standalone/index.js';
import addFormats from 'ajv-formats';
import { transform } from 'esbuild';
import { typeName } from './bundle.mjs';

/** Ajv writes `require` calls for its helpers, also into ES modules; this turns them into imports. */
function importHelpers(code) {
  const names = new Map();
  const body = code.replace(/require\("([^"]+)"\)/g, (_, path) => {
    if (!names.has(path)) names.set(path, `helper${names.size}`);
    return names.get(path);
  });
  return [...names].map(([path, name]) => `import ${name} from '${path}.js';\n`).join('') + body;
}

/** One ES module with a function for each root, in a map for each kind. */
export async function validators(document, roots) {
  const ajv = new Ajv2020({
    allErrors: false, // a hostile body costs one error, not thousands
    ownProperties: true, // `required` is not met by an inherited member
    inlineRefs: false, // a part is one function, whoever refers to it
    verbose: true, // an error carries its schema, from which src/validators.ts words its message
    messages: false,
    strict: true,
    strictRequired: false,
    strictTypes: false,
    code: { source: true, esm: true },
  });
  addFormats(ajv, ['date', 'date-time', 'email', 'uri']);
  ajv.addSchema(document);
  const names = roots.map((file) => [typeName(file), `flexder#/$defs/${typeName(file)}`]);
  const code = standaloneCode(ajv, Object.fromEntries(names));
  const table = (kind) => {
    const rows = roots.filter((file) => file.kind === kind);
    const entries = rows.map((file) => `  [${JSON.stringify(file.name)}, ${typeName(file)}],\n`);
    return `export const ${kind} = new Map([\n${entries.join('')}]);\n`;
  };
  const whole = `${importHelpers(code.replace('"use strict";', ''))}\n${['beckn', 'device', 'record', 'stream'].map(table).join('')}`;
  return (await transform(whole, { minify: true, target: 'node20' })).code;
}
