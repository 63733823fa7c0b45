/** A subscription that outlives its consumer: whatever ends that, a new one goes on where it was. */
import type { WallClock } from '../../../clock.ts';
import type { Logger } from '../../../logging.ts';
import { within } from '../../../service.ts';
import { engineLimits } from '../../limits.ts';
import type { StreamContract } from '../contract.ts';
import type { EventHandler, StreamEvent, SubscribeOptions } from '../port.ts';
import type { Fetched, KafkaClient } from './client.ts';
import { decode, type Poison } from './record.ts';

export interface SubscriptionDeps {
  readonly wall: WallClock;
  readonly log: Logger;
  readonly client: KafkaClient;
  readonly contract: StreamContract;
  /** Counts what happened to a record. */
  counted(result: 'handled' | 'failed' | Poison): void;
  went(error?: unknown): void;
}

export interface SubscriptionOptions {
  /** Topic of the port, and its name at the broker. */
  readonly topic: string;
  readonly topicName: string;
  /** Name at the broker. Only a shared group's offsets are committed. */
  readonly group: string;
  readonly shared: boolean;
  readonly from: 'earliest' | 'latest';
  readonly handler: EventHandler;
  readonly onShare: SubscribeOptions['onShare'];
}

/** Resolves when the subscription stands; rejects when it cannot be made within a bound, and then nothing is left of it. */
export async function openSubscription(
  deps: SubscriptionDeps,
  options: SubscriptionOptions,
): Promise<() => Promise<void>> {
  const { wall, log, client } = deps;
  const { topic, topicName, group, shared, from, onShare } = options;
  const closing = new AbortController();
  /** Where a subscription of its own goes on; a group's offsets are at the broker. */
  const positions = shared ? undefined : await endsOf(deps, topicName);
  let leave: (() => Promise<void>) | undefined;

  const handle = async (record: Fetched, alive: () => Promise<void>) => {
    await handleRecord(deps, options, record, alive, closing.signal);
    positions?.set(record.partition, String(BigInt(record.offset) + 1n));
  };

  let joins = 0;
  const join = () => {
    const mine = ++joins;
    return client.consume({
      group,
      topic: topicName,
      commits: shared,
      from,
      positions,
      handle,
      onShare,
      // One that was given up for another has nothing to say any more.
      onEnd: (error) => void (mine === joins && again(error)),
    });
  };

  /** A broker that comes and goes can leave a client waiting for ever. */
  async function joinWithin(): Promise<() => Promise<void>> {
    const joining = join();
    try {
      return await within(wall, engineLimits.eventsSubscribeMs, joining);
    } catch (error) {
      void joining.then((left) => left()).catch(() => {});
      throw error;
    }
  }

  async function again(error: unknown): Promise<void> {
    deps.went(error);
    leave = undefined;
    let pauseMs: number = engineLimits.eventsResubscribeMs;
    while (!closing.signal.aborted) {
      log.warn({ topic, error: String(error), pauseMs }, 'a subscription broke; it is made anew');
      await wall.sleep(pauseMs, closing.signal).catch(() => {});
      if (closing.signal.aborted) return;
      try {
        const joined = await joinWithin();
        if (closing.signal.aborted) return void (await joined().catch(() => {}));
        leave = joined;
        deps.went();
        return;
      } catch (reason) {
        error = reason;
        deps.went(reason);
        pauseMs = Math.min(2 * pauseMs, engineLimits.eventsResubscribeLongestMs);
      }
    }
  }

  // A broker that has just started has no coordinator of the group for some seconds.
  const joining = whilePassing(wall, join, closing.signal);
  try {
    leave = await within(wall, engineLimits.eventsSubscribeMs, joining);
    deps.went();
  } catch (error) {
    closing.abort(new Error('not subscribed'));
    // Should it stand after all, nobody wants it any more.
    void joining.then((left) => left()).catch(() => {});
    deps.went(error);
    throw error;
  }
  return async () => {
    closing.abort(new Error('unsubscribed'));
    const left = leave;
    leave = undefined;
    if (left) await within(wall, engineLimits.eventsCloseMs, left()).catch(() => {});
  };
}

function endsOf({ wall, client }: SubscriptionDeps, topicName: string): Promise<Map<number, string>> {
  return whilePassing(wall, () => client.ends(topicName));
}

/** Runs it again, a bounded number of times, while the broker says that its error will pass. */
async function whilePassing<T>(wall: WallClock, run: () => Promise<T>, closing?: AbortSignal): Promise<T> {
  let pauseMs: number = engineLimits.eventsResubscribeMs;
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      const passing = (error as { retriable?: unknown }).retriable === true;
      if (!passing || closing?.aborted || attempt >= engineLimits.eventsPassingAttempts) throw error;
      await wall.sleep(pauseMs, closing).catch(() => {});
      pauseMs = Math.min(2 * pauseMs, engineLimits.eventsResubscribeLongestMs);
    }
  }
}

/** Resolves when the record is done with, whatever it held; throws only when the place in the group is lost. */
async function handleRecord(
  { wall, log, contract, counted }: SubscriptionDeps,
  { topic, shared, handler }: SubscriptionOptions,
  record: Fetched,
  alive: () => Promise<void>,
  closing: AbortSignal,
): Promise<void> {
  const decoded = decode(topic, record, contract);
  const { partition, offset } = record;
  if ('poison' in decoded) {
    counted(decoded.poison);
    log.warn({ topic, partition, offset, reason: decoded.poison, detail: decoded.text }, 'an event is passed over');
    return;
  }
  const attempts = shared ? engineLimits.eventsHandlerAttempts : 1;
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const error = await failureOf(handler, decoded.event, record.value ?? undefined);
    if (error === undefined) return counted('handled');
    log.error({ topic, partition, offset, attempt, error: String(error) }, 'handler of an event failed');
    if (attempt === attempts) break;
    // Unhandled, so uncommitted: the next of the group gets it.
    if (closing.aborted) throw new Error('the subscription ends before its event was handled');
    await wall.sleep(engineLimits.eventsHandlerPauseMs, closing).catch(() => {});
    await alive();
  }
  counted('failed');
}

async function failureOf(handler: EventHandler, event: StreamEvent, bytes?: Uint8Array): Promise<unknown> {
  try {
    await handler(event, bytes);
    return undefined;
  } catch (error) {
    return error ?? new Error('the handler failed');
  }
}
