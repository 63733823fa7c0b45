/** Listens to the bus as the services have it: when each command left, and when its answer came. */
import type { DeviceBus } from '@flexder/runtime/engines/bus/port.ts';
import { parseTopic } from '@flexder/runtime/engines/bus/topics.ts';

/** Of one activation. */
export interface Tapped {
  /** When the DSO last received a reading of a feeder before the first command. */
  detectedMs: number;
  /** CPU time of this process from then to the broker's acknowledgement of the last command (fifty before, at most): what an idle core needs. */
  cpuMs: number;
  /** By command id: handed to the library, acknowledged by the broker, first answered by its device. */
  readonly begun: Map<string, number>;
  readonly sent: Map<string, number>;
  readonly answered: Map<string, number>;
}

/** Asking for the CPU time of a process costs as much as a publish. */
const CPU_EVERY = 50;
const ANSWERS = new Set(['ACCEPTED', 'REJECTED', 'OPTED_OUT', 'EXPIRED']);
const read = (payload: Uint8Array | string) => JSON.parse(payload.toString()) as Record<string, string>;

/** The id of a command that activates; one that releases is no part of the figures. */
function activationOf(payload: string): string | undefined {
  const { type, command_id } = read(payload);
  return type === 'RELEASE' ? undefined : command_id;
}

export interface Tap {
  /** The activation that is being listened to. */
  readonly tapped: Tapped;
  /** Begins to listen to the next one. */
  next(): void;
  over(bus: DeviceBus): DeviceBus;
}

const nothing = (): Tapped => ({ detectedMs: 0, cpuMs: 0, begun: new Map(), sent: new Map(), answered: new Map() });

export function tap(nowMs: () => number): Tap {
  let tapped = nothing();
  let detected = process.cpuUsage();
  const hear = (topic: string, payload: Uint8Array) => {
    const parsed = parseTopic(topic);
    if (parsed?.family === 'grid' && tapped.begun.size === 0) {
      tapped.detectedMs = nowMs();
      detected = process.cpuUsage();
    }
    if (parsed?.kind !== 'ack') return;
    const { command_id: id, result } = read(Buffer.from(payload));
    if (id && tapped.begun.has(id) && ANSWERS.has(result!) && !tapped.answered.has(id))
      tapped.answered.set(id, nowMs());
  };
  return {
    get tapped() {
      return tapped;
    },
    next() {
      tapped = nothing();
    },
    over: (bus) => ({
      ...bus,
      async connect(options) {
        const client = await bus.connect(options);
        return Object.create(client, {
          subscribe: {
            value: (filter, handler, more) =>
              client.subscribe(
                filter,
                (message) => {
                  hear(message.topic, message.payload);
                  handler(message);
                },
                more,
              ),
          } satisfies TypedPropertyDescriptor<typeof client.subscribe>,
          publish: {
            async value(topic, payload, more) {
              const id = topic.endsWith('/cmd') ? activationOf(payload) : undefined;
              if (id !== undefined) tapped.begun.set(id, nowMs());
              await client.publish(topic, payload, more);
              if (id === undefined) return;
              tapped.sent.set(id, nowMs());
              if (tapped.sent.size > CPU_EVERY && tapped.sent.size % CPU_EVERY > 0) return;
              const { user, system } = process.cpuUsage(detected);
              tapped.cpuMs = Math.round((user + system) / 1000);
            },
          } satisfies TypedPropertyDescriptor<typeof client.publish>,
        });
      },
    }),
  };
}
