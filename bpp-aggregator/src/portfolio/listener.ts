import type { DerId } from '@flexder/protocol/beckn/identifiers.ts';
import type { BusClient, BusMessage } from '@flexder/runtime/engines/bus/port.ts';
import { publishAllowance } from '@flexder/runtime/engines/bus/rate.ts';
import { deviceFilter, type ParsedTopic, parseTopic } from '@flexder/runtime/engines/bus/topics.ts';
import type { DeviceAck, DeviceBirth, DeviceState, DeviceTelemetry } from '@flexder/schemas/types.ts';
import { validateDevice } from '@flexder/schemas/validators.ts';
import type { Rooms } from '../context.ts';
import type { Answers } from '../dispatch/answers.ts';
import { LIMITS } from '../limits.ts';
import type { Readings } from '../metering/readings.ts';

const KINDS = ['birth', 'state', 'ack', 'telemetry'] as const;
type Kind = (typeof KINDS)[number];

export interface Ears {
  readonly rooms: () => Rooms;
  readonly readings: Readings;
  readonly answers: Answers;
  /** What each device may still say, by its id. */
  readonly allowances: Map<string, () => boolean>;
}

/**
 * Hears the devices of this aggregator. Of several processes one has a reading, where the broker can do that; states are
 * live in each of them, and an answer is better heard twice than lost with a process. What is not valid, or not from the
 * device of its topic, is counted and dropped.
 */
export async function listenToDevices(bus: BusClient, ears: Ears): Promise<void> {
  const { config, process } = ears.rooms();
  // Where the broker shares nothing it is a subscription as any other.
  const share = process.shared ? { shared: 'readings' } : {};
  // One after the other: with 3.1.1 a refused filter shows only in its own SUBACK.
  for (const kind of KINDS)
    await bus.subscribe(
      deviceFilter(config.subscriberId, kind),
      (message) => hear(ears, message),
      kind === 'telemetry' ? share : {},
    );
}

export function hear(ears: Ears, message: BusMessage): void {
  const topic = parseTopic(message.topic);
  const derId = topic?.family === 'flex' ? topic.derId : '';
  const reason = mayHear(ears, derId) ? take(ears, topic, message.payload) : 'flood';
  if (reason === undefined) return;
  ears.rooms().context.metrics.count('device_message_dropped', { kind: topic?.kind ?? 'other', reason });
}

/** What a device said by another way than the bus, in the same words: checked and counted like the others'. */
export function hearDirectly(ears: Ears, kind: 'state' | 'ack' | 'telemetry', derId: DerId, body: unknown): void {
  const reason = mayHear(ears, derId) ? takeBody(ears, kind, derId, body) : 'flood';
  if (reason !== undefined) ears.rooms().context.metrics.count('device_message_dropped', { kind, reason });
}

/** Not every broker holds a device to a rate, and one that floods must not push the readings of others out. */
function mayHear({ allowances }: Ears, derId: string): boolean {
  let may = allowances.get(derId);
  if (!may) {
    if (allowances.size >= LIMITS.maxDers) allowances.clear();
    may = publishAllowance();
    allowances.set(derId, may);
  }
  return may();
}

/** Returns why the message was dropped, or undefined. */
function take(ears: Ears, topic: ParsedTopic | undefined, payload: Uint8Array): string | undefined {
  const { chargePoints, config } = ears.rooms();
  // The filter asked for no other's: a broker that is set up wrongly may still send it.
  if (topic?.family !== 'flex' || !isHeard(topic.kind)) return 'topic';
  if (topic.aggregatorId !== config.subscriberId) return 'topic';
  if (chargePoints?.isConnected(topic.derId)) return 'connected-by-ocpp';
  const reason = takeBody(ears, topic.kind, topic.derId, parse(payload));
  if (topic.kind === 'birth' && reason === undefined) chargePoints?.forget(topic.derId);
  return reason;
}

function takeBody({ rooms, readings, answers }: Ears, kind: Kind, derId: DerId, body: unknown): string | undefined {
  if (!validateDevice(kind, body).valid) return 'invalid';
  if ((body as { der_id: string }).der_id !== derId) return 'foreign-id';
  const { fleet } = rooms();
  const der = fleet.get(derId);
  if (!der) return 'unknown-device';
  switch (kind) {
    case 'telemetry':
      return readings.receive(body as DeviceTelemetry, der);
    case 'ack':
      answers.receive(body as DeviceAck);
      return undefined;
    case 'state':
      fleet.setOnline(derId, (body as DeviceState).status === 'ONLINE');
      return undefined;
    case 'birth': {
      const birth = body as DeviceBirth;
      if (birth.device_type !== der.type || birth.feeder_id !== der.feederId) return 'not-as-enrolled';
      fleet.setOnline(derId, true);
      return undefined;
    }
  }
}

function isHeard(kind: string): kind is Kind {
  return (KINDS as readonly string[]).includes(kind);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parse(payload: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(payload));
  } catch {
    return undefined;
  }
}
