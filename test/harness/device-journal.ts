/** What was said on the device bus, heard by a client of its own: commands as they arrived, and each device's answers. */
import type { DeviceAck, DeviceCommand } from '@flexder/schemas/types.ts';
import mqtt, { type MqttClient } from 'mqtt';
import { TAP } from './cluster.ts';

export type HeardCommand = DeviceCommand & { readonly atMs: number };

export interface DeviceJournal {
  readonly commands: readonly HeardCommand[];
  readonly answers: readonly DeviceAck[];
  /** When it could not listen: what was said then may be missing here. */
  readonly deaf: readonly { readonly fromMs: number; toMs: number }[];
  /** Called with each command as it is heard. */
  onCommand: ((command: HeardCommand) => void) | undefined;
  close(): Promise<void>;
}

const RECONNECT_MS = 100;

/** `url` is that of the broker itself, not of a proxy before it. */
export async function openDeviceJournal(url: string): Promise<DeviceJournal> {
  const commands: HeardCommand[] = [];
  const answers: DeviceAck[] = [];
  const deaf: { fromMs: number; toMs: number }[] = [];
  const { username, password } = TAP;
  const client: MqttClient = await mqtt.connectAsync(url, { username, password, reconnectPeriod: RECONNECT_MS });
  const journal: DeviceJournal = {
    ...{ commands, answers, deaf },
    onCommand: undefined,
    close: () => client.endAsync(true),
  };
  client.on('message', (topic, payload) => {
    const kind = topic.slice(topic.lastIndexOf('/') + 1);
    if (kind === 'ack') answers.push(JSON.parse(String(payload)));
    if (kind !== 'cmd') return;
    const command: HeardCommand = { ...JSON.parse(String(payload)), atMs: Date.now() };
    commands.push(command);
    journal.onCommand?.(command);
  });
  client.on('close', () => {
    if (deaf.at(-1)?.toMs !== Number.POSITIVE_INFINITY)
      deaf.push({ fromMs: Date.now(), toMs: Number.POSITIVE_INFINITY });
  });
  const listen = async () => {
    await client.subscribeAsync(['flex/v1/+/+/cmd', 'flex/v1/+/+/ack'], { qos: 1 });
    const last = deaf.at(-1);
    if (last) last.toMs = Math.min(last.toMs, Date.now());
  };
  await listen();
  client.on('connect', () => void listen().catch(() => {}));
  client.on('error', () => {});
  return journal;
}

/** Ids of the activations each device was sent for each order, by `order device`. */
export function activations({ commands }: Pick<DeviceJournal, 'commands'>): Map<string, Set<string>> {
  const ids = new Map<string, Set<string>>();
  for (const { der_id, order_id, command_id, type } of commands) {
    if (type === 'RELEASE') continue;
    const key = `${order_id} ${der_id}`;
    ids.set(key, (ids.get(key) ?? new Set()).add(command_id));
  }
  return ids;
}
