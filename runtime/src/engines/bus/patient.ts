/** A service that needs the broker for its work, and not for its start. */
import type { WallClock } from '../../clock.ts';
import type { Logger } from '../../logging.ts';
import { engineLimits } from '../limits.ts';
import { BrokerAwayError } from './connection.ts';
import type { BusClient, BusConnectOptions, DeviceBus } from './port.ts';

export interface PatientClient extends BusClient {
  /** Whether it is connected, and why not, for the health of a service. */
  readonly state: { readonly ok: boolean; readonly detail: string };
}

type Subscription = Parameters<BusClient['subscribe']>;

/**
 * Connects; with a broker that does not answer within its bound it goes on without, and tries again until it is closed.
 * What is subscribed meanwhile is subscribed then; what is published meanwhile is rejected at once. A broker that says no
 * at the start is an error, as ever: waiting would not change it.
 */
export async function connectPatiently(
  bus: DeviceBus,
  options: BusConnectOptions,
  { wall, log }: { readonly wall: WallClock; readonly log: Logger },
): Promise<PatientClient> {
  const wanted: Subscription[] = [];
  const closing = new AbortController();
  let client: BusClient | undefined;
  let why = 'not connected';
  try {
    client = await bus.connect(options);
  } catch (error) {
    if (!(error instanceof BrokerAwayError)) throw error;
    why = error.message;
    log.warn({ url: bus.url, reason: why }, 'started without the broker: not ready until it comes');
    void keepTrying();
  }

  async function keepTrying(): Promise<void> {
    while (!client && !closing.signal.aborted) {
      await wall.sleep(engineLimits.busAgainMs, closing.signal).catch(() => {});
      if (closing.signal.aborted) return;
      await bus.connect(options).then(take).catch(note);
    }
  }

  async function take(opened: BusClient): Promise<void> {
    try {
      for (let index = 0; index < wanted.length; index++) await opened.subscribe(...wanted[index]!);
      if (closing.signal.aborted) return await opened.close();
      client = opened;
      log.info({ url: bus.url }, 'the broker has come');
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  /** Said again only when it is another reason. */
  function note(error: Error): void {
    if (error.message !== why) log.warn({ url: bus.url, reason: error.message }, 'still without the broker');
    why = error.message;
  }

  return {
    get connected() {
      return client?.connected ?? false;
    },
    get state() {
      const ok = client?.connected ?? false;
      return { ok, detail: ok ? 'connected' : client ? 'not connected' : why };
    },
    get protocolVersion() {
      return client?.protocolVersion ?? 4;
    },
    get shares() {
      return client?.shares ?? false;
    },
    get counts() {
      return client?.counts ?? { sent: 0, received: 0 };
    },
    async publish(...said) {
      if (!client) throw new Error(why);
      return client.publish(...said);
    },
    async subscribe(...subscription) {
      if (client) return client.subscribe(...subscription);
      if (wanted.length >= engineLimits.busFilters) throw new Error(`at most ${engineLimits.busFilters} filters`);
      wanted.push(subscription);
    },
    async close() {
      closing.abort();
      await client?.close();
    },
  };
}
