import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import type { StreamEvent } from '@flexder/runtime/engines/events/port.ts';
import type { Clocks, LiveState } from './snapshot.ts';

/** Items that changed; of decisions and restrictions all there are. */
export interface Delta extends Partial<LiveState> {
  readonly clocks: Clocks;
  readonly audit?: readonly AuditRecord[];
  /** Why: the domain events since the delta before. */
  readonly events: readonly StreamEvent[];
}

/** What differs from the state told last. Remembers as much as one state holds. */
export class Changes {
  #feeders = new Map<string, string>();
  #overloads = new Map<string, string>();
  #orders = new Map<string, string>();
  #alarms = new Map<string, string>();
  #decisions = '';
  #restrictions = '';

  since(state: LiveState): Partial<LiveState> {
    const [feeders, knownFeeders] = changed(state.feeders, this.#feeders, (feeder) => feeder.feederId);
    const [overloads, knownOverloads] = changed(state.overloads, this.#overloads, (overload) => overload.eventId);
    const [orders, knownOrders] = changed(state.orders, this.#orders, (order) => order.obpId);
    this.#feeders = knownFeeders;
    this.#overloads = knownOverloads;
    this.#orders = knownOrders;
    const [alarms, knownAlarms] = changed(state.alarms, this.#alarms, (alarm) => String(alarm.alarmId));
    this.#alarms = knownAlarms;
    const [decisions, restrictions] = [JSON.stringify(state.decisions), JSON.stringify(state.restrictions)];
    const [decided, restricted] = [decisions !== this.#decisions, restrictions !== this.#restrictions];
    this.#decisions = decisions;
    this.#restrictions = restrictions;
    return {
      ...(feeders.length > 0 && { feeders }),
      ...(overloads.length > 0 && { overloads }),
      ...(orders.length > 0 && { orders }),
      ...(alarms.length > 0 && { alarms }),
      ...(decided && { decisions: state.decisions }),
      ...(restricted && { restrictions: state.restrictions }),
    };
  }
}

function changed<T>(
  items: readonly T[],
  before: Map<string, string>,
  idOf: (item: T) => string,
): [T[], Map<string, string>] {
  const now = new Map(items.map((item) => [idOf(item), JSON.stringify(item)]));
  return [items.filter((item) => now.get(idOf(item)) !== before.get(idOf(item))), now];
}
