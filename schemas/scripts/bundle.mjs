/** Reads the schema files and joins them to one document. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const room = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Names of the generated types where the file name does not say it. */
const TYPE_NAMES = {
  birth: 'DeviceBirth',
  state: 'DeviceState',
  cmd: 'DeviceCommand',
  ack: 'DeviceAck',
  telemetry: 'DeviceTelemetry',
  'audit-record': 'AuditRecordRow',
};
const FOLDERS = { parts: '.', beckn: 'beckn/v1.1', device: 'devices', record: 'records', stream: 'stream' };

const pascal = (text) => text.replace(/(?:^|[^A-Za-z0-9])([A-Za-z0-9])/g, (_, letter) => letter.toUpperCase());

export function load() {
  return Object.entries(FOLDERS).flatMap(([kind, folder]) =>
    readdirSync(join(room, folder))
      .filter((file) => file.endsWith('.schema.json'))
      .sort()
      .map((file) => {
        const path = join(folder, file);
        return {
          name: basename(file, '.schema.json'),
          kind,
          path,
          schema: JSON.parse(readFileSync(join(room, path), 'utf8')),
        };
      }),
  );
}

/** A file with a type of its own is a message or a record; the others only hold parts. */
export const isRoot = (file) => file.schema.type === 'object';
export const typeName = (file) =>
  file.kind === 'beckn' ? `${pascal(file.name)}Message` : (TYPE_NAMES[file.name] ?? pascal(file.name));
export const isMap = (node) => node !== null && typeof node === 'object' && !Array.isArray(node);
export const mapValues = (node, change) =>
  Object.fromEntries(Object.entries(node).map(([key, value]) => [key, change(value)]));

/** The same schema with every reference to a part pointing into one document. */
function local(node) {
  if (Array.isArray(node)) return node.map(local);
  if (!isMap(node)) return node;
  return Object.fromEntries(
    Object.entries(node)
      .filter(([key]) => !['$schema', '$id', '$defs'].includes(key))
      .map(([key, value]) => [
        key,
        key === '$ref' ? `#/$defs/${pascal(value.slice(value.lastIndexOf('/') + 1))}` : local(value),
      ]),
  );
}

/** All files as one document: ajv then compiles a part once, however many actions use it. */
export function bundle(files) {
  const $defs = {};
  const define = (name, schema, file) => {
    if (name in $defs) throw new Error(`two schema parts are named ${name}; the second is in ${file.path}`);
    $defs[name] = local(schema);
  };
  for (const file of files) {
    for (const [name, part] of Object.entries(file.schema.$defs ?? {})) define(pascal(name), part, file);
    if (isRoot(file)) define(typeName(file), file.schema, file);
  }
  return { $id: 'flexder', $defs };
}
