import type { ActionHandlers } from '@flexder/runtime/participant/types.ts';
import type { Desk } from '../flex-orchestration/desk.ts';
import type { BapTables } from '../tables.ts';
import { onRating, onSupport, onTrack } from './after_sales.ts';
import { onCancel } from './on_cancel.ts';
import { onConfirm } from './on_confirm.ts';
import { onInit } from './on_init.ts';
import { onSearch } from './on_search.ts';
import { onSelect } from './on_select.ts';
import { onStatus } from './on_status.ts';
import { onUpdate } from './on_update.ts';

export function bapHandlers(desk: Desk): ActionHandlers<BapTables> {
  return {
    on_search: onSearch(desk),
    on_select: onSelect(desk),
    on_init: onInit(desk),
    on_confirm: onConfirm(desk),
    on_status: onStatus(desk),
    on_cancel: onCancel(desk),
    on_update: onUpdate(desk),
    on_track: onTrack(desk),
    on_rating: onRating(desk),
    on_support: onSupport(desk),
  };
}
