import type { AuditEntry } from '@flexder/protocol/audit/record.ts';
import { isIdentifier } from '@flexder/protocol/beckn/identifiers.ts';

type Facts = Pick<AuditEntry, 'order_id' | 'event_id' | 'obp_id'>;
interface Tagged {
  readonly tags?: unknown;
}

/** Ids that an audit record is found by, as far as a schema-valid message carries them. */
export function factsOf(message: unknown): Facts {
  const { order, order_id, intent } = (message ?? {}) as {
    order?: Tagged & { id?: unknown };
    order_id?: unknown;
    intent?: Tagged;
  };
  const tags = new Map([...eventDetails(order), ...eventDetails(intent)]);
  const facts: Record<string, string> = {};
  const set = (name: keyof Facts, value: unknown) => {
    if (isIdentifier(value)) facts[name] = value;
  };
  set('order_id', order?.id ?? order_id);
  set('event_id', tags.get('event-id'));
  set('obp_id', tags.get('obp-id'));
  return facts;
}

function eventDetails(holder: Tagged | undefined): [string, unknown][] {
  if (!Array.isArray(holder?.tags)) return [];
  const group = holder.tags.find((tag) => tag?.descriptor?.code === 'event-details');
  if (!Array.isArray(group?.list)) return [];
  return group.list.map((entry: { descriptor?: { code?: string }; value?: unknown }) => [
    entry?.descriptor?.code ?? '',
    entry?.value,
  ]);
}

/** Text of others, fit for one line of a record: no control characters, bounded. */
export function recordable(text: string, limit: number): string {
  const clean = text.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu, ' ');
  return clean.length > limit ? `${clean.slice(0, limit)}…` : clean;
}
