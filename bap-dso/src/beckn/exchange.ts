/** Before a callback is acknowledged: it must answer something this DSO asked of exactly that BPP. */
import type { BecknBody } from '@flexder/protocol/beckn/envelope.ts';
import { reject } from '@flexder/protocol/beckn/inbound/types.ts';
import { INBOUND_STEPS, type InboundStep } from '@flexder/protocol/beckn/inbound.ts';
import type { WallClock } from '@flexder/runtime/clock.ts';
import { within } from '@flexder/runtime/service.ts';
import { EXCHANGE_CHECK_MS } from '../limits.ts';

/** Whether a search of this id was sent (`on_search`), or an order placed with this BPP under it (all others). */
export type KnowsExchange = (action: string, transactionId: string, bppId: string) => Promise<boolean>;

/**
 * Stands after all that proves who speaks and before anything is stored: a stranger learns nothing, and leaves nothing.
 * A database that fails, or does not answer within the bound, is a 503.
 */
export function stepsWithExchange(wall: WallClock, knows: () => KnowsExchange | undefined): InboundStep[] {
  const exchange: InboundStep = {
    name: 'exchange',
    run: async (state) => {
      const sender = state.credentials.find((credential) => credential.by === 'sender');
      const context = (state.value as BecknBody | undefined)?.context;
      const known = knows();
      if (!sender || !context || !known)
        return reject('INTERNAL', 'pipeline', 'the message could not be checked; send it again later');
      try {
        const asked = known(state.request.action, context.transaction_id, sender.parsed.subscriberId);
        if (await within(wall, EXCHANGE_CHECK_MS, asked)) return undefined;
      } catch (cause) {
        return reject('NET_DOWNSTREAM_UNAVAILABLE', 'store', 'the message could not be checked: send it again later', {
          cause,
        });
      }
      const text = `nothing was asked of ${sender.parsed.subscriberId} under transaction ${context.transaction_id}: check context.transaction_id`;
      return reject('ORD_UNKNOWN', 'context', text, { path: '/context/transaction_id' });
    },
  };
  const at = INBOUND_STEPS.findIndex((step) => step.name === 'idempotency');
  return [...INBOUND_STEPS.slice(0, at), exchange, ...INBOUND_STEPS.slice(at)];
}
