import assert from 'node:assert/strict';
import { hear } from '@flexder/bpp-aggregator/portfolio/listener.ts';
import type { DeviceAck, DeviceTelemetry } from '@flexder/schemas/types.ts';
import { validateDevice } from '@flexder/schemas/validators.ts';
import type { Target } from '../targets.ts';

const AGGREGATOR = 'aggregator-1';
const DER = 'ev-1';
const AT = '2026-01-15T17:00:00.000Z';
const messages: Record<string, object> = {
  telemetry: {
    ...{ v: 1, der_id: DER, ts: AT, seq: 7, power_kw: 3.2, available_down_kw: 3.2, available_up_kw: 0 },
    ...{ import_kwh: 100.5, export_kwh: 0, state: 'CHARGING', quality: 'GOOD' },
  },
  ack: {
    v: 1,
    command_id: '7d8f0a52-0c58-4f0e-9a57-6f3c2f9f1f00',
    der_id: DER,
    sequence: 3,
    result: 'ACCEPTED',
    ts: AT,
  },
  state: { v: 1, der_id: DER, status: 'ONLINE', ts: AT },
};
const wire = (kind: string, body: object) =>
  Buffer.from(`flex/v1/${AGGREGATOR}/${DER}/${kind}\n${JSON.stringify(body)}`);

/**
 * A message of a device, topic and payload: never a throw; what has an effect is valid and from the device of its topic.
 */
export const mqtt: Target = {
  corpus: Object.entries(messages)
    .filter(([kind, body]) => validateDevice(kind as 'ack', body).valid)
    .map(([kind, body]) => wire(kind, body)),
  words: [
    '/',
    '+',
    '#',
    '$SYS',
    '"der_id":"ev-2",',
    '"result":"',
    '-1e308',
    '"ts":"9999-12-31T23:59:60Z"',
    '/telemetry',
  ],
  feed(input) {
    const end = input.indexOf('\n');
    const [topic, payload] = end < 0 ? [input, Buffer.alloc(0)] : [input.subarray(0, end), input.subarray(end + 1)];
    const taken: { kind: string; body: unknown }[] = [];
    const dropped: string[] = [];
    const ears = earsOf(taken, dropped);
    const message = { topic: topic.toString('utf8'), payload, retained: false };
    hear(ears, message);
    assert.equal(taken.length + dropped.length, 1, 'each message is taken once, or counted as dropped once');
    for (const { kind, body } of taken) {
      assert.equal(message.topic, `flex/v1/${AGGREGATOR}/${DER}/${kind}`, 'of the device of its topic');
      if (body === undefined) continue;
      assert.ok(validateDevice(kind as 'ack', body).valid, 'what is taken is valid');
      assert.equal((body as { der_id: string }).der_id, DER);
    }
    return taken.length === 1;
  },
};

function earsOf(taken: { kind: string; body: unknown }[], dropped: string[]) {
  const fleet = {
    get: (derId: string) => (derId === DER ? { derId, type: 'ev-charger', feederId: 'feeder-1' } : undefined),
    setOnline: (derId: string) => void taken.push({ kind: 'state', body: derId === DER ? undefined : null }),
  };
  const metrics = { count: (name: string, labels: { reason?: string }) => void dropped.push(labels.reason ?? name) };
  return {
    rooms: () => ({ fleet, config: { subscriberId: AGGREGATOR }, context: { metrics } }),
    readings: { receive: (body: DeviceTelemetry) => void taken.push({ kind: 'telemetry', body }) },
    answers: { receive: (body: DeviceAck) => void taken.push({ kind: 'ack', body }) },
    allowances: new Map(),
  } as unknown as Parameters<typeof hear>[0];
}
