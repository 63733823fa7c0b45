/** I1 and I3, from what devices received and said, and when: no table of the services is asked. */
import type { DeviceAck, DeviceCommand } from '@flexder/schemas/types.ts';
import type { World } from '../world.ts';

const on =
  (kind: string) =>
  ({ topic }: { topic: string }) =>
    topic.startsWith('flex/') && topic.endsWith(`/${kind}`);

/** No device executes two commands of one order for one window, or one command twice: a change may move the window. */
export function executedOnce({ bus }: World): string[] {
  const received = new Map<string, DeviceCommand>();
  for (const { payload } of bus.delivered.filter(on('cmd'))) {
    const command = JSON.parse(payload) as DeviceCommand;
    received.set(command.command_id, command);
  }
  const executed = new Map<string, Set<string>>();
  const starts = new Map<string, number>();
  const broken: string[] = [];
  for (const { payload } of bus.published.filter(on('ack'))) {
    const ack = JSON.parse(payload) as DeviceAck;
    const command = received.get(ack.command_id);
    if (!command) {
      broken.push(`${ack.der_id} answers ${ack.command_id}, which it never received`);
      continue;
    }
    if (ack.result === 'STARTED') starts.set(ack.command_id, (starts.get(ack.command_id) ?? 0) + 1);
    if (ack.result !== 'ACCEPTED' || command.type === 'RELEASE') continue;
    const key = `${ack.der_id} of order ${command.order_id} until ${command.stop_at}`;
    executed.set(key, (executed.get(key) ?? new Set()).add(ack.command_id));
  }
  for (const [key, commands] of executed) {
    if (commands.size > 1) broken.push(`${key} executed ${commands.size} commands: ${[...commands].join(', ')}`);
  }
  for (const [command, count] of starts) if (count > 1) broken.push(`${command} was started ${count} times`);
  return broken;
}

/** Nothing is given to a device after its window, nor taken by one after it has run out. */
export function nothingAfterTheWindow({ bus }: World): string[] {
  const broken: string[] = [];
  for (const { payload, atMs } of bus.published.filter(on('cmd'))) {
    const { command_id, type, stop_at } = JSON.parse(payload) as DeviceCommand;
    if (type !== 'RELEASE' && atMs >= Date.parse(stop_at))
      broken.push(`${command_id} was given at ${new Date(atMs).toISOString()}, its window ended at ${stop_at}`);
  }
  // After a restart what was never sent lives longer: a device may hold it to the later of two that it received.
  const limitsMs = new Map<string, number>();
  for (const { payload } of bus.delivered.filter(on('cmd'))) {
    const { command_id, valid_until } = JSON.parse(payload) as DeviceCommand;
    limitsMs.set(command_id, Math.max(limitsMs.get(command_id) ?? 0, Date.parse(valid_until)));
  }
  const answered = new Set<string>();
  for (const { payload } of bus.published.filter(on('ack'))) {
    const { command_id, result, ts, der_id } = JSON.parse(payload) as DeviceAck;
    // To a command that comes once more a device says again what it said, and does nothing.
    if (answered.has(command_id)) continue;
    answered.add(command_id);
    const limitMs = limitsMs.get(command_id) ?? 0;
    if (result === 'ACCEPTED' && Date.parse(ts) > limitMs)
      broken.push(`${der_id} took ${command_id} at ${ts}, which had run out at ${new Date(limitMs).toISOString()}`);
  }
  return broken;
}
