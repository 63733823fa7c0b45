/**
 * Server-sent events: `snapshot` first, then `delta`s that name only what changed, each item whole, so that applying
 * one twice or missing none in between comes to the same. One reader of the database serves all clients.
 */
import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import type { StreamEvent } from '@flexder/runtime/engines/events/port.ts';
import type { Request, Response } from 'express';
import type { OperatorApiDeps } from '../deps.ts';
import {
  STREAM_BUFFER_BYTES,
  STREAM_CLIENTS,
  STREAM_COALESCE_MS,
  STREAM_EVENT_BYTES,
  STREAM_EVENTS,
  STREAM_HEARTBEAT_MS,
  STREAM_RETRY_MS,
  STREAM_TICK_MS,
  TAIL_RECORDS,
} from '../limits.ts';
import { Changes, type Delta } from './changes.ts';
import { auditTables, clocks, liveState, snapshot } from './snapshot.ts';

/** Topic of the DSO's own events. */
const TOPIC = 'bap';
const SAMPLE = 'feeder.sample';

interface Client {
  readonly response: Response;
  /** Deltas that came while the snapshot was read; undefined once it was sent. */
  waiting: string[] | undefined;
}

export interface OperatorStream {
  handle(request: Request, response: Response): Promise<void>;
  close(): Promise<void>;
}

export function createStream(deps: OperatorApiDeps): OperatorStream {
  const { context } = deps;
  const clients = new Set<Client>();
  const changes = new Changes();
  let events: StreamEvent[] = [];
  let auditSeq = 0;
  let cancelTick: (() => void) | undefined;
  let unsubscribe: Promise<() => void> | undefined;
  let reading = false;
  /** Something happened since the reading began; a look at it is due soon. */
  let again = false;
  let soon = false;

  function write(client: Client, text: string): void {
    if (client.waiting) {
      client.waiting.push(text);
      return;
    }
    client.response.write(text);
    // A client that does not read would fill our memory; it comes back and gets a snapshot.
    if (client.response.writableLength > STREAM_BUFFER_BYTES) drop(client);
  }

  function drop(client: Client): void {
    if (!clients.delete(client)) return;
    client.response.destroy();
    context.metrics.gauge('operator_stream_clients', clients.size);
    if (clients.size === 0) pause();
  }

  function arm(delayMs: number): void {
    cancelTick?.();
    cancelTick = clients.size > 0 ? context.wall.after(delayMs, () => void tick()) : undefined;
  }

  async function tick(): Promise<void> {
    reading = true;
    again = false;
    soon = false;
    try {
      const text = frame('delta', await readDelta());
      for (const client of [...clients]) write(client, text);
    } catch (error) {
      context.log.warn({ error: String(error) }, 'reading changes for the operator stream failed; tried again');
    } finally {
      reading = false;
      soon = again;
      arm(again ? STREAM_COALESCE_MS : STREAM_TICK_MS);
    }
  }

  async function readDelta(): Promise<Delta> {
    const passedOn = events;
    events = [];
    const state = await liveState(deps);
    const audit = await newRecords();
    return { clocks: clocks(deps), ...changes.since(state), ...(audit.length && { audit }), events: passedOn };
  }

  async function newRecords(): Promise<AuditRecord[]> {
    const rows = await auditTables(deps)
      .selectFrom('audit_record')
      .select('record')
      .where('seq', '>', String(auditSeq))
      .orderBy('seq', 'desc')
      .limit(TAIL_RECORDS)
      .execute();
    const records = rows.map(({ record }) => record as AuditRecord).reverse();
    auditSeq = records.at(-1)?.seq ?? auditSeq;
    return records;
  }

  function onEvent(event: StreamEvent): void {
    // Load is told with the next tick: a sample a second from every feeder is no reason to look at the orders.
    if (clients.size === 0 || (event.value as { type?: unknown } | null)?.type === SAMPLE) return;
    if (events.length < STREAM_EVENTS && JSON.stringify(event).length <= STREAM_EVENT_BYTES) events.push(event);
    again = true;
    if (!reading && !soon) {
      soon = true;
      arm(STREAM_COALESCE_MS);
    }
  }

  function resume(): void {
    unsubscribe ??= context.engines.events.subscribe(TOPIC, onEvent);
    unsubscribe.catch((error: unknown) =>
      context.log.warn({ error: String(error) }, 'no events for the operator stream'),
    );
    if (!cancelTick && !reading) arm(STREAM_TICK_MS);
  }

  function pause(): void {
    cancelTick?.();
    cancelTick = undefined;
    soon = false;
    events = [];
    const ended = unsubscribe;
    unsubscribe = undefined;
    ended?.then((end) => end()).catch(() => {});
  }

  /** Tells that the server lives, until the connection ends. */
  function beat(client: Client): void {
    const cancel = context.wall.after(STREAM_HEARTBEAT_MS, () => {
      if (!clients.has(client)) return;
      write(client, ': alive\n\n');
      beat(client);
    });
    client.response.once('close', cancel);
  }

  async function handle(request: Request, response: Response): Promise<void> {
    if (clients.size >= STREAM_CLIENTS) {
      response.status(503).set('retry-after', '10');
      response.json({
        error: { code: 'TOO_MANY_CLIENTS', message: `at most ${STREAM_CLIENTS} streams are served at once` },
      });
      return;
    }
    const client: Client = { response, waiting: [] };
    clients.add(client);
    context.metrics.gauge('operator_stream_clients', clients.size);
    response.on('error', () => drop(client));
    request.on('close', () => drop(client));
    response.on('close', () => drop(client));
    response.status(200).set({ 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
    response.flushHeaders();
    resume();
    try {
      const first = await snapshot(deps);
      response.write(`retry: ${STREAM_RETRY_MS}\n\n${frame('snapshot', first)}`);
    } catch (error) {
      drop(client);
      throw error;
    }
    const missed = client.waiting ?? [];
    client.waiting = undefined;
    for (const text of missed) write(client, text);
    beat(client);
  }

  return {
    handle,
    async close() {
      for (const client of [...clients]) drop(client);
      pause();
    },
  };
}

/** JSON has no raw line break, so one `data` line holds it. */
function frame(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
