import type { InboundAccepted, RememberVerdict } from '@flexder/protocol/beckn/inbound.ts';
import type { Kysely } from 'kysely';
import type { WallClock } from '../../clock.ts';
import { within } from '../../service.ts';
import { STORE_TIMEOUT_MS } from '../limits.ts';
import type { ParticipantTables, WireHeaders } from '../tables.ts';

/**
 * Stores an accepted message once: idempotency and persistence are one insert.
 *
 * @throws what the database throws, or that it did not answer in time: both become 503 and the sender tries again. A row that was
 *   written all the same is found by the sweep.
 */
export function remember(
  db: Kysely<ParticipantTables>,
  wall: WallClock,
  message: InboundAccepted,
  headers: WireHeaders,
): Promise<RememberVerdict> {
  return within(wall, STORE_TIMEOUT_MS, insertOnce(db, message, headers));
}

async function insertOnce(db: Kysely<ParticipantTables>, message: InboundAccepted, wire: WireHeaders) {
  const { authorization, ...headers } = wire;
  const key = { signer: message.signerId, action: message.action, message_id: message.body.context.message_id };
  const inserted = await db
    .insertInto('inbound_message')
    .values({
      ...key,
      sha256: message.sha256,
      transaction_id: message.body.context.transaction_id,
      body: Buffer.from(message.raw).toString('utf8'),
      signature: authorization ?? '',
      headers: JSON.stringify(headers),
      public_key: message.signature.publicKey,
      received_at: new Date(message.receivedAtMs),
      state: 'stored',
      error: null,
    })
    .onConflict((conflict) => conflict.columns(['signer', 'action', 'message_id']).doNothing())
    .executeTakeFirst();
  if (Number(inserted.numInsertedOrUpdatedRows ?? 0) > 0) return 'new';
  const known = await db
    .selectFrom('inbound_message')
    .select('sha256')
    .where('signer', '=', key.signer)
    .where('action', '=', key.action)
    .where('message_id', '=', key.message_id)
    .executeTakeFirst();
  return known?.sha256 === message.sha256 ? 'same' : 'different';
}
