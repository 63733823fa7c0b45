/** The room's own files, for its tests. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

const room = fileURLToPath(new URL('../..', import.meta.url));

export function readJson(path: string): JsonObject {
  return JSON.parse(readFileSync(join(room, path), 'utf8')) as JsonObject;
}

export function listJson(folder: string, suffix = '.json'): string[] {
  return readdirSync(join(room, folder))
    .filter((file) => file.endsWith(suffix))
    .sort();
}

/** A worked message, fresh for each caller. */
export function sample(action: string): JsonObject {
  return readJson(`samples/v1.1/${action}.json`);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a JSON pointer. */
export function at(body: Json, pointer: string): Json | undefined {
  const steps = pointer.split('/').slice(1);
  return steps.reduce<Json | undefined>((node, key) => (node as JsonObject | undefined)?.[key], body);
}

/** A copy of `body` with the value at a JSON pointer replaced, or deleted when `value` is undefined. */
export function changed(body: JsonObject, pointer: string, value: Json | undefined): JsonObject {
  const copy = structuredClone(body);
  const cut = pointer.lastIndexOf('/');
  const parent = at(copy, pointer.slice(0, cut)) as JsonObject;
  const key = pointer.slice(cut + 1);
  if (value !== undefined) parent[key] = value;
  else if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else delete parent[key];
  return copy;
}

/** JSON pointers of every member and entry below the root, containers included. */
export function pointers(body: Json, base = ''): string[] {
  if (body === null || typeof body !== 'object') return [];
  return Object.entries(body).flatMap(([key, value]) => [`${base}/${key}`, ...pointers(value, `${base}/${key}`)]);
}
