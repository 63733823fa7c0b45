/** The way of a command to the broker, walked before the first order. */
import { setFlagsFromString } from 'node:v8';
import { commandId, type DerId, derId } from '@flexder/protocol/beckn/identifiers.ts';
import type { BusClient } from '@flexder/runtime/engines/bus/port.ts';
import { deviceTopic } from '@flexder/runtime/engines/bus/topics.ts';
import { within } from '@flexder/runtime/service.ts';
import type { DeviceCommand } from '@flexder/schemas/types.ts';
import type { Rooms } from '../context.ts';
import { LIMITS } from '../limits.ts';
import { instantsOf } from './commands.ts';
import { busLink } from './device-link.ts';
import { inLanes } from './lanes.ts';

/** A device that is not there: whoever sees a command to it reads what it is. */
const NOBODY = derId('rehearsal');

/**
 * Publishes as many commands as this portfolio may need at once to a device that does not exist. Code is compiled after it
 * has run some hundred times, and what was never compiled is several times slower: without this, the first large order
 * after a start would pay for it. Nothing is done where a device has that name, or the broker is away; one that is slow or
 * takes nothing only ends it early.
 */
export async function rehearse(rooms: Rooms, bus: BusClient): Promise<void> {
  const { config, context, fleet } = rooms;
  const count = Math.min(fleet.all().length, LIMITS.rehearsedCommands);
  if (count === 0 || !bus.connected || fleet.get(NOBODY)) return;
  // A portfolio rests for days: what is compiled must not be given up for want of use.
  setFlagsFromString('--no-flush-bytecode');
  const link = busLink(
    () => rooms,
    bus,
    (id, kind) => deviceTopic(config.subscriberId, id as DerId, kind),
  );
  let [taken, refused] = [0, false];
  const all = Array.from({ length: count }, (_, index) => ({ derId: NOBODY, payload: commandToNobody(rooms, index) }));
  const startedMs = context.wall.monotonicMs();
  const walked = inLanes(all, async (one) => {
    if (refused) return;
    if (await link.send(0, one)) taken++;
    else refused = true;
  });
  await within(context.wall, LIMITS.rehearsalMs, walked).catch(() => {
    refused = true;
  });
  const ms = Math.round(context.wall.monotonicMs() - startedMs);
  const outcome = refused ? 'ended early: the first order may be slower' : 'done';
  context.log.info({ taken, of: count, ms }, `the rehearsal of commands, to nobody, is ${outcome}`);
}

/** As a real one in every member, and over soon. */
function commandToNobody({ context }: Rooms, sequence: number): DeviceCommand {
  const nowMs = context.grid.nowMs();
  const overMs = nowMs + LIMITS.rehearsalMs;
  return {
    v: 1,
    command_id: commandId(context.ids.uuid()),
    der_id: NOBODY,
    sequence,
    type: 'RELEASE',
    order_id: NOBODY,
    obp_id: NOBODY,
    event_id: NOBODY,
    target_kw: 0,
    ...instantsOf(nowMs, { startMs: nowMs, stopMs: nowMs, validUntilMs: overMs }),
    release_delay_s: 0,
  };
}
