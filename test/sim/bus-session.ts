/** One connection to the simulated broker, and how a message gets over it. */
import type { BusAccount, BusConnectOptions, BusMessage } from '@flexder/runtime/engines/bus/port.ts';
import type { busRouter } from '@flexder/runtime/engines/bus/router.ts';
import { engineLimits } from '@flexder/runtime/engines/limits.ts';
import type { VirtualClock } from './clock.ts';
import type { Faults } from './faults.ts';
import type { Life } from './life.ts';

export interface Session {
  readonly id: string;
  readonly account: BusAccount;
  readonly options: BusConnectOptions;
  readonly life: Life;
  readonly routes: ReturnType<typeof busRouter>;
  readonly filters: Set<string>;
  readonly counts: { sent: number; received: number };
  connected: boolean;
  closed: boolean;
  /** What is on its way in order, and when the last of it arrives. */
  readonly line: BusMessage[];
  orderMs: number;
}

export const RECONNECT_MS = 500;

/**
 * Hands a message to the broker (`take`) until it says that it has it, as QoS 1 wants it. Rejects with what `take`
 * throws, and after the bound of the real bus.
 */
export function atLeastOnce(clock: VirtualClock, faults: Faults, session: Session, take: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let open = true;
    const settle = (error?: Error) => {
      if (!open) return;
      open = false;
      disarm();
      if (error) reject(error);
      else resolve();
    };
    const disarm = clock.after(engineLimits.busPublishMs, () => settle(new Error('no acknowledgement')));
    const attempt = () => {
      if (!open || session.closed) return;
      if (!session.connected) return void clock.after(RECONNECT_MS, attempt);
      const lost = faults.happens('bus-lost');
      const unacknowledged = faults.happens('bus-lost');
      try {
        if (!lost) take();
      } catch (error) {
        return settle(error as Error);
      }
      if (lost || unacknowledged) clock.after(RECONNECT_MS, attempt);
      else clock.after(1, () => settle());
    };
    clock.after(1, attempt);
  });
}
