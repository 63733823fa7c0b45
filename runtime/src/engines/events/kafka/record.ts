/** An event as a Kafka record: its key, its JSON, and the schema it follows in a header. Pure. */
import { engineLimits } from '../../limits.ts';
import type { StreamContract } from '../contract.ts';
import { type StreamEvent, UnpublishableError } from '../port.ts';

export const SCHEMA_HEADER = 'flexder-schema';
/** The participant that published it: several may share a prefix. */
export const SOURCE_HEADER = 'flexder-source';

export interface OutgoingRecord {
  readonly topic: string;
  readonly key: string;
  readonly value: Buffer;
  readonly schema: string;
  readonly source?: string;
}

export interface IncomingRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** The value of the schema header, if it stands there once. */
  readonly schema: string | undefined;
  readonly source?: string | undefined;
}

/** Throws UnpublishableError. */
export function encode(event: StreamEvent, contract: StreamContract): OutgoingRecord {
  const { topic, key, value, source } = event;
  const schema = contract.schemaOf(topic, value);
  if (schema === undefined) throw new UnpublishableError(`no schema is known of what is published on ${topic}`);
  const refused = contract.refuse(topic, schema, value);
  if (refused) throw new UnpublishableError(`an event on ${topic} does not follow ${schema}: ${refused.text}`);
  const bytes = Buffer.from(JSON.stringify(value));
  const most = engineLimits.eventsMessageBytes;
  if (bytes.byteLength > most)
    throw new UnpublishableError(`an event on ${topic} has ${bytes.byteLength} bytes, at most ${most} are published`);
  return { topic, key, value: bytes, schema, ...(source !== undefined && { source }) };
}

/** Why a record is passed over. */
export type Poison = 'no-schema' | 'unknown-schema' | 'too-large' | 'not-json' | 'invalid';

export type Decoded = { readonly event: StreamEvent } | { readonly poison: Poison; readonly text: string };

/** Nothing that a record holds makes it throw. */
export function decode(topic: string, record: IncomingRecord, contract: StreamContract): Decoded {
  const { key, value, schema, source } = record;
  if (schema === undefined) return { poison: 'no-schema', text: `it has no header ${SCHEMA_HEADER}` };
  const bytes = value?.byteLength ?? 0;
  if (bytes > engineLimits.eventsMessageBytes) return { poison: 'too-large', text: `it has ${bytes} bytes` };
  const parsed = parse(value);
  if (parsed === undefined) return { poison: 'not-json', text: 'it is not JSON in UTF-8' };
  const refused = contract.refuse(topic, schema, parsed.value);
  if (refused) return { poison: refused.reason, text: refused.text };
  const from = source === undefined ? {} : { source };
  return { event: { topic, key: key?.toString('utf8') ?? '', value: parsed.value, ...from } };
}

function parse(bytes: Buffer | null): { value: unknown } | undefined {
  if (bytes === null) return undefined;
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) };
  } catch {
    return undefined;
  }
}
