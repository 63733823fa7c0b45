import { type SqlBool, sql } from 'kysely';

/** Records of an event. What is of its searches names their transaction alone: catalogues, and messages that were refused. */
export function ofEvent(eventId: string) {
  return sql<SqlBool>`(record->>'event_id' = ${eventId}
    or record->>'transaction_id' in (select transaction_id from flex_search where event_id = ${eventId}))`;
}
