/** What may stand on which topic: every message names its schema, and none that fails it is published or handled. */
import { STREAM_VERSION, streamTopic } from '@flexder/schemas/stream.ts';
import { validateStream } from '@flexder/schemas/validators.ts';

export type Refused = 'unknown-schema' | 'invalid';

export interface StreamContract {
  /** `<name>/<version>` of a value for this topic; undefined when there is none. */
  schemaOf(topic: string, value: unknown): string | undefined;
  /** Undefined when `value` is what `schema` says and may stand on `topic`; else why not. */
  refuse(
    topic: string,
    schema: string,
    value: unknown,
  ): { readonly reason: Refused; readonly text: string } | undefined;
}

/** The topics of schemas/stream.ts. A value names its schema by its `type` where a topic has more than one. */
export const streamContract: StreamContract = {
  schemaOf(topic, value) {
    const schemas = streamTopic(topic)?.schemas ?? [];
    const named = String((value as { type?: unknown } | null)?.type ?? '').replace('.', '-');
    const name = schemas.length === 1 ? schemas[0] : schemas.find((schema) => schema === named);
    return name && `${name}/${STREAM_VERSION}`;
  },
  refuse(topic, schema, value) {
    const name = streamTopic(topic)?.schemas.find((each) => schema === `${each}/${STREAM_VERSION}`);
    if (!name) return { reason: 'unknown-schema', text: `${JSON.stringify(schema.slice(0, 100))} is none of ${topic}` };
    const verdict = validateStream(name, value);
    if (verdict.valid) return undefined;
    const [fault] = verdict.errors;
    return { reason: 'invalid', text: `${fault?.path}: ${fault?.message}` };
  },
};
