import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { parse } from 'yaml';
import { STREAM_TOPICS, STREAM_VERSION } from './stream.ts';
import { at, isObject, type Json, type JsonObject, listJson } from './testing/files.ts';
import { type DeviceKind, type StreamKind, validateDevice, validateStream } from './validators.ts';

const file = fileURLToPath(new URL('../asyncapi.yaml', import.meta.url));
const document = parse(readFileSync(file, 'utf8')) as JsonObject;

function references(node: Json): string[] {
  if (node === null || typeof node !== 'object') return [];
  const own = isObject(node) && typeof node.$ref === 'string' ? [node.$ref] : [];
  return [...own, ...Object.values(node).flatMap(references)];
}

/** Whether a reference leads somewhere: within the document, or into a file beside it. */
function leads(reference: string): boolean {
  const [path = '', pointer = ''] = reference.split('#');
  if (path === '') return at(document, pointer) !== undefined;
  const target = join(dirname(file), path);
  return existsSync(target) && at(JSON.parse(readFileSync(target, 'utf8')) as Json, pointer) !== undefined;
}

interface Message {
  readonly name: string;
  readonly headers?: { readonly properties: { readonly 'flexder-schema': { readonly const: string } } };
  readonly payload: { readonly $ref: string };
  readonly examples: readonly { readonly payload: Json; readonly headers?: JsonObject }[];
}

const messages = Object.values((document.components as JsonObject).messages as JsonObject) as unknown as Message[];
const channels = Object.values(document.channels as JsonObject) as unknown as {
  readonly address: string;
  readonly messages: Record<string, { readonly $ref: string }>;
}[];
const messageAt = (reference: string) => at(document, reference.slice(1)) as unknown as Message;

describe('the AsyncAPI document', () => {
  it('has references that all lead somewhere', () => {
    const all = references(document);
    expect(all).to.have.length.above(40);
    expect(all.filter((reference) => !leads(reference))).to.deep.equal([]);
    expect(leads('#/components/messages/nothing')).to.equal(false);
    expect(leads('./devices/nothing.schema.json')).to.equal(false);
  });

  it('gives for each message an example that follows its schema', () => {
    for (const { name, headers, payload, examples } of messages) {
      expect(examples, name).to.have.length.above(0);
      for (const example of examples) {
        const onStream = headers !== undefined;
        const verdict = onStream
          ? validateStream(name as StreamKind, example.payload)
          : validateDevice(name as DeviceKind, example.payload);
        expect(verdict, name).to.deep.equal({ valid: true });
        if (onStream)
          expect(example.headers, name).to.deep.equal({ 'flexder-schema': headers.properties['flexder-schema'].const });
      }
      expect(payload.$ref, name).to.match(new RegExp(`/${name}\\.schema\\.json$`));
    }
  });

  it('describes every device message and every topic of the stream, and no other', () => {
    const devices = listJson('devices', '.schema.json').map((each) => each.replace('.schema.json', ''));
    const named = messages.filter(({ headers }) => headers === undefined).map(({ name }) => name);
    expect(named.sort()).to.deep.equal(devices);
    const topics = channels
      .filter(({ address }) => address.startsWith('{prefix}.'))
      .map(({ address, messages: carried }) => ({
        topic: address.slice('{prefix}.'.length),
        schemas: Object.values(carried).map(({ $ref }) => messageAt($ref).headers?.properties['flexder-schema'].const),
      }));
    const expected = STREAM_TOPICS.map(({ topic, schemas }) => ({
      topic,
      schemas: schemas.map((schema) => `${schema}/${STREAM_VERSION}`),
    }));
    expect(topics).to.deep.equal(expected);
  });
});
