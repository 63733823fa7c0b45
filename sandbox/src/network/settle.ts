import type { Activity } from '@flexder/runtime/activity.ts';
import type { WallClock } from '@flexder/runtime/clock.ts';
import type { BusClient, DeviceBus } from '@flexder/runtime/engines/bus/port.ts';

/** Loopback delivers within a turn of the event loop; a message crosses broker and handler in a few. */
const QUIET_TURNS = 24;
/** A broker in another process has handed on what it acknowledged, but our turns may pass faster than its socket. */
export const OUTSIDE_QUIET_MS = 5;
/** Longer than any bounded wait of a service (Beckn answers, queue retries); past it something is stuck. */
const SETTLE_LIMIT_MS = 60_000;

/** Every bus connection of the process, so that a scenario sees messages that are still under way. */
export class BusTraffic {
  readonly #clients = new Set<BusClient>();

  observe(bus: DeviceBus): DeviceBus {
    return {
      ...bus,
      kind: bus.kind,
      url: bus.url,
      connect: async (options) => {
        const client = await bus.connect(options);
        this.#clients.add(client);
        return client;
      },
    };
  }

  /** Changes whenever any client sent or received. */
  total(): number {
    let sum = 0;
    for (const { counts } of this.#clients) sum += counts.sent + counts.received;
    return sum;
  }
}

/**
 * Resolves when no service has work in flight and no message is under way: only then may grid time move.
 * `quietMs` is waited at the end of the quiet turns. Rejects, naming what is stuck, when that takes longer than any bounded wait could.
 */
export async function settle(activity: Activity, traffic: BusTraffic, wall: WallClock, quietMs = 0): Promise<void> {
  const giveUpAtMs = wall.monotonicMs() + SETTLE_LIMIT_MS;
  let quietTurns = 0;
  let seen = traffic.total();
  while (quietTurns < QUIET_TURNS) {
    if (activity.inFlight > 0) {
      quietTurns = 0;
      await idleOrTimeout(activity, wall);
    }
    if (quietMs > 0 && quietTurns === QUIET_TURNS - 1) await wall.sleep(quietMs);
    await new Promise((resolve) => setImmediate(resolve));
    const total = traffic.total();
    quietTurns = activity.inFlight === 0 && total === seen ? quietTurns + 1 : 0;
    seen = total;
    if (wall.monotonicMs() > giveUpAtMs)
      throw new Error(`the network did not settle: in flight ${activity.describe()}`);
  }
}

async function idleOrTimeout(activity: Activity, wall: WallClock): Promise<void> {
  await new Promise<void>((resolve) => {
    const cancel = wall.after(1_000, resolve);
    void activity.idle().then(() => {
      cancel();
      resolve();
    });
  });
}
