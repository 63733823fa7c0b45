/** Devices of one bus client that report and answer as told. */
import type { DerId } from '@flexder/protocol/beckn/identifiers.ts';
import type { SteppedGridClock } from '@flexder/runtime/clock.ts';
import type { BusClient } from '@flexder/runtime/engines/bus/port.ts';
import { deviceTopic, parseTopic } from '@flexder/runtime/engines/bus/topics.ts';
import type { DeviceAck, DeviceCommand } from '@flexder/schemas/types.ts';
import { validateDevice } from '@flexder/schemas/validators.ts';
import { AGGREGATOR, derIdOf } from './portfolio.ts';

/** kW of device `index` before and while it is dispatched. */
export const POWER_KW = 7;

export type Behave = (command: DeviceCommand, index: number) => Partial<DeviceAck> | undefined;

export async function openFleet(bus: BusClient, grid: SteppedGridClock) {
  const received: DeviceCommand[] = [];
  const registers = new Map<number, { atMs: number; kwh: number; kw: number }>();
  let seq = 0;
  let behave: Behave = () => ({ result: 'ACCEPTED' });
  const publish = (derId: DerId, kind: 'ack' | 'telemetry' | 'state' | 'birth', body: unknown) =>
    bus.publish(deviceTopic(AGGREGATOR, derId, kind), JSON.stringify(body), { retain: kind === 'state' });
  const ts = () => new Date(grid.nowMs()).toISOString();
  await bus.subscribe(`flex/v1/${AGGREGATOR}/+/cmd`, (message) => {
    const command = JSON.parse(Buffer.from(message.payload).toString('utf8')) as DeviceCommand;
    const verdict = validateDevice('cmd', command);
    if (!verdict.valid) throw new Error(`invalid command ${JSON.stringify(verdict.errors)}`);
    received.push(command);
    const topic = parseTopic(message.topic);
    if (topic?.family !== 'flex') return;
    const answer = behave(command, Number(topic.derId.slice(3)));
    if (!answer) return;
    const { command_id, der_id, sequence } = command;
    void publish(topic.derId, 'ack', { v: 1, command_id, der_id, sequence, result: 'ACCEPTED', ts: ts(), ...answer });
  });
  return {
    received,
    publish,
    ts,
    set behave(how: Behave) {
      behave = how;
    },
    async report(count: number, powerOf: (index: number) => number) {
      const nowMs = grid.nowMs();
      await Promise.all(
        Array.from({ length: count }, async (_, index) => {
          const der_id = derIdOf(index);
          const known = registers.get(index);
          const last = known ?? { atMs: nowMs, kwh: 1_000, kw: 0 };
          const kwh = last.kwh + (last.kw * (nowMs - last.atMs)) / 3_600_000;
          const kw = powerOf(index);
          registers.set(index, { atMs: nowMs, kwh, kw });
          if (!known) await publish(der_id, 'state', { v: 1, der_id, status: 'ONLINE' });
          await publish(der_id, 'telemetry', {
            v: 1,
            der_id,
            ts: ts(),
            seq: seq++,
            power_kw: kw,
            import_kwh: kwh,
            export_kwh: 0,
            available_down_kw: kw,
            mode: 'NORMAL',
            quality: 'GOOD',
          });
        }),
      );
    },
  };
}
