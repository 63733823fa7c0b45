import type { ActionHandlers } from '@flexder/runtime/participant/types.ts';
import type { Rooms } from '../context.ts';
import type { AggregatorTables } from '../tables.ts';
import { cancel } from './cancel.ts';
import { confirm } from './confirm.ts';
import { init } from './init.ts';
import { search } from './search.ts';
import { select } from './select.ts';
import { status } from './status.ts';
import { unserved } from './unserved.ts';

/** Every action of a BPP and the file that serves it. */
export function handlersOf(rooms: Rooms): ActionHandlers<AggregatorTables> {
  return {
    search: search(rooms),
    select: select(rooms),
    init: init(rooms),
    confirm: confirm(rooms),
    status: status(rooms),
    cancel: cancel(rooms),
    track: unserved('40005', 'orders are followed by on_status, not tracked'),
    update: unserved('50002', 'an order cannot be changed: cancel it, or place a further one'),
    rating: unserved('40001', 'ratings are not kept: reliability comes from the answers of devices'),
    support: unserved('50004', 'there is no support line; the audit record answers by order id'),
  };
}
