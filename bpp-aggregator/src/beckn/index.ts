import type { ActionHandlers } from '@flexder/runtime/participant/types.ts';
import type { Rooms } from '../context.ts';
import type { AggregatorTables } from '../tables.ts';
import { cancel } from './cancel.ts';
import { confirm } from './confirm.ts';
import { init } from './init.ts';
import { rating } from './rating.ts';
import { search } from './search.ts';
import { select } from './select.ts';
import { status } from './status.ts';
import { support } from './support.ts';
import { track } from './track.ts';
import { update } from './update.ts';

/** Every action of a BPP and the file that serves it. */
export function handlersOf(rooms: Rooms): ActionHandlers<AggregatorTables> {
  return {
    search: search(rooms),
    select: select(rooms),
    init: init(rooms),
    confirm: confirm(rooms),
    status: status(rooms),
    cancel: cancel(rooms),
    track: track(rooms),
    update: update(rooms),
    rating: rating(rooms),
    support: support(rooms),
  };
}
