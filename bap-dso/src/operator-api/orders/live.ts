/** An order as its aggregator shows it at this moment, asked for on behalf of the operator. */
import { isIdentifier, type SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { parseStrict } from '@flexder/protocol/beckn/json.ts';
import { validateRecord } from '@flexder/schemas/validators.ts';
import type { Request } from 'express';
import { staysBelow } from '../../audit-settlement/settlement/meter-document.ts';
import type { OperatorApiDeps } from '../deps.ts';
import { BadAnswerError } from '../http.ts';
import { LIVE_BYTES, LIVE_JSON } from '../limits.ts';
import { BadRequestError, parameters } from '../parameters.ts';
import { bapTables } from '../stream/snapshot.ts';

/** Throws BadRequestError when the order is not followed, BadAnswerError when its aggregator does not show it. */
export async function liveView(deps: OperatorApiDeps, request: Request): Promise<object> {
  parameters(request, {});
  const obpId = String(request.params.obpId);
  if (!isIdentifier(obpId)) throw new BadRequestError('obp_id', 'expected the OBP id of an order');
  const order = await bapTables(deps)
    .selectFrom('flex_order')
    .select(['bpp_id', 'order_id', 'live_url'])
    .where('obp_id', '=', obpId)
    .executeTakeFirst();
  if (!order) throw new BadRequestError('obp_id', 'there is no such order');
  if (order.live_url === null)
    throw new BadRequestError('obp_id', 'it is not followed: propose the action track-order first, while it runs');
  const path = await pathOf(deps, order.bpp_id, order.live_url);
  const bytes = await deps.participant
    .fetchDocument(order.bpp_id as SubscriberId, path, LIVE_BYTES)
    .catch((error: unknown) => {
      throw new BadAnswerError(`${order.bpp_id} does not show it: ${error instanceof Error ? error.message : error}`);
    });
  const parsed = parseStrict(bytes, LIVE_JSON);
  const verdict = parsed.ok ? validateRecord('live-order', parsed.value) : undefined;
  if (!parsed.ok || !verdict?.valid) throw new BadAnswerError(`${order.bpp_id} shows something that is no live order`);
  const live = parsed.value as { order_id: string };
  if (live.order_id !== order.order_id)
    throw new BadAnswerError(`${order.bpp_id} shows another order than ${order.order_id}`);
  return { obpId, bppId: order.bpp_id, live };
}

/** The part below the registered address; another address is never asked, whoever named it. */
async function pathOf({ participant }: OperatorApiDeps, bppId: string, url: string): Promise<string> {
  const home = (await participant.subscribers('BPP')).find(({ subscriberId }) => subscriberId === bppId)?.url;
  const path = home !== undefined && url.startsWith(`${home}/`) ? url.slice(home.length) : undefined;
  if (path === undefined || !staysBelow(path))
    throw new BadAnswerError(`${bppId} named an address that is not below its registered one`);
  return path;
}
