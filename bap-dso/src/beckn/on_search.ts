import { CodecError, decodeCatalogue, decodeLeftOut, type ValidBody } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { ActionHandler, InboundMessage } from '@flexder/runtime/participant/types.ts';
import type { Desk } from '../flex-orchestration/desk.ts';
import { toldBy } from '../flex-orchestration/discovery/told-left-out.ts';
import type { BapTables } from '../tables.ts';
import { quarantine } from './quarantine.ts';

/** A catalogue: it joins the search it answers, if that is still waiting. No error and no late one stops anything. */
export function onSearch(desk: Desk): ActionHandler<BapTables> {
  return async (work, message) => {
    const { transaction_id: transactionId } = message.body.context;
    const search = await work.db
      .selectFrom('flex_search')
      .leftJoin('overload', 'overload.event_id', 'flex_search.event_id')
      .select('overload.feeder_id')
      .where('transaction_id', '=', transactionId)
      .executeTakeFirst();
    if (!search) return quarantine(desk, work, message, 'unknown-transaction');
    const offers = read(desk, message, (body) => decodeCatalogue(message.signerId, body));
    const leftOut = toldBy(message.signerId, read(desk, message, decodeLeftOut), search.feeder_id);
    const catalogue = { offers, leftOut };
    work.afterCommit(() => {
      desk.counterparties.answered(message.signerId, 'catalogue');
      if (search.feeder_id !== null)
        desk.offers.note(search.feeder_id, message.signerId, catalogue, desk.context.wall.nowMs());
      const waited = desk.gathers.answer(transactionId, message.signerId, catalogue);
      if (!waited) desk.context.metrics.count('bap_catalogues_late_total');
    });
  };
}

/** The BPP is the signer, whatever the catalogue calls itself. What it leaves out may make no sense where its offers do. */
function read<T>(desk: Desk, message: InboundMessage, decode: (body: ValidBody) => readonly T[]): readonly T[] {
  if (message.body.error) return [];
  try {
    return decode(message.body as ValidBody);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    desk.context.log.warn({ bppId: message.signerId, error: error.message }, 'a catalogue says what cannot be');
    return [];
  }
}
