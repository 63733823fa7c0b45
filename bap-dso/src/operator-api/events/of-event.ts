import { type SqlBool, sql } from 'kysely';

/** Records of an event. Catalogues, and messages that were refused, name the transaction of its search or order alone. */
export function ofEvent(eventId: string) {
  return sql<SqlBool>`(record->>'event_id' = ${eventId}
    or record->>'transaction_id' in (
      select transaction_id from flex_search where event_id = ${eventId}
      union select transaction_id from flex_order where event_id = ${eventId}))`;
}
