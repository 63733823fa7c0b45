import { validateDevice } from '@flexder/schemas/validators.ts';
import { expect } from 'chai';
import { type AdmissionRules, admitMessage, admitReading } from './telemetry.ts';

const NOW_MS = Date.parse('2026-01-15T17:00:00.000Z');
const TOPIC = 'grid/v1/dso-1/feeder-1/telemetry';
const good = {
  v: 1,
  feeder_id: 'feeder-1',
  ts: '2026-01-15T17:00:00.000Z',
  seq: 7,
  power_kw: 812.5,
  current_a: 43.2,
  voltage_kv: 11.02,
  quality: 'GOOD',
};
const bytes = (body: unknown) => new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body));

const rules = (changes: Partial<AdmissionRules> = {}): AdmissionRules => ({
  dsoId: 'dso-1',
  nowMs: NOW_MS,
  lastAtMs: (feederId) => (feederId === 'feeder-1' ? NOW_MS - 60_000 : null),
  mayHear: () => true,
  validate: (body) => validateDevice('feeder-telemetry', body),
  ...changes,
});
const at = (offsetMs: number) => ({ ...good, ts: new Date(NOW_MS + offsetMs).toISOString() });

describe('feeder telemetry', () => {
  it('a good sample is admitted under the feeder of its topic', () => {
    expect(admitMessage(TOPIC, bytes(good), rules())).to.deep.equal({
      admitted: true,
      sample: { feederId: 'feeder-1', atMs: NOW_MS, powerKw: 812.5, quality: 'GOOD' },
    });
  });

  it('the first sample of a feeder is admitted whatever its age', () => {
    const first = rules({ lastAtMs: () => undefined });
    expect(admitMessage(TOPIC, bytes(at(-86_400_000)), first)).to.deep.include({ admitted: true });
  });

  it('a feeder that says more than its share is not read at all', () => {
    const flooding = rules({ mayHear: (feederId) => feederId !== 'feeder-1' });
    const { admitted, ...rest } = admitMessage(TOPIC, bytes(good), flooding);
    expect([admitted, rest]).to.deep.equal([false, { reason: 'flood', feederId: 'feeder-1' }]);
    expect(admitMessage(TOPIC, bytes(good), rules())).to.deep.include({ admitted: true });
  });

  const refused: [reason: string, topic: string, payload: Uint8Array][] = [
    ['topic', 'grid/v1/dso-2/feeder-1/telemetry', bytes(good)],
    ['topic', 'grid/v1/dso-1/feeder-1/telemetry/more', bytes(good)],
    ['topic', 'flex/v1/dso-1/feeder-1/telemetry', bytes(good)],
    ['unknown-feeder', 'grid/v1/dso-1/feeder-9/telemetry', bytes({ ...good, feeder_id: 'feeder-9' })],
    ['too-large', TOPIC, bytes(`${JSON.stringify(good)}${' '.repeat(3_000)}`)],
    ['invalid-json', TOPIC, bytes('{"v":1,')],
    ['invalid-json', TOPIC, Uint8Array.of(0x22, 0xff, 0x22)],
    ['schema', TOPIC, bytes({ ...good, power_kw: '812.5' })],
    ['schema', TOPIC, bytes({ ...good, more: 1 })],
    ['schema', TOPIC, bytes(null)],
    ['bad-quality', TOPIC, bytes({ ...good, quality: 'BAD' })],
    ['feeder-mismatch', TOPIC, bytes({ ...good, feeder_id: 'feeder-2' })],
    ['duplicate', TOPIC, bytes(at(-60_000))],
    ['out-of-order', TOPIC, bytes(at(-60_001))],
    ['future', TOPIC, bytes(at(60_001))],
  ];
  for (const [reason, topic, payload] of refused) {
    it(`is refused as ${reason}: ${topic} ${new TextDecoder().decode(payload).slice(0, 60)}`, () => {
      expect(admitMessage(topic, payload, rules())).to.deep.include({ admitted: false, reason });
    });
  }

  it('over the event stream its key names the feeder, and the checks are the same', () => {
    const reading = (key: string, body: unknown) => admitReading(key, body, rules());
    expect(reading('feeder-1', good)).to.deep.equal(admitMessage(TOPIC, bytes(good), rules()));
    const reasons = [
      reading('feeder-9', good),
      reading('feeder-1', { ...good, feeder_id: 'feeder-2' }),
      reading('feeder-1', { ...good, quality: 'BAD' }),
      reading('feeder-1', at(-60_000)),
      reading('feeder-1', at(-60_001)),
      reading('feeder-1', at(60_001)),
    ].map((admission) => !admission.admitted && admission.reason);
    expect(reasons).to.deep.equal([
      ...['unknown-feeder', 'feeder-mismatch', 'bad-quality', 'duplicate', 'out-of-order', 'future'],
    ]);
  });

  it('a clock a minute ahead is still drift', () => {
    expect(admitMessage(TOPIC, bytes(at(60_000)), rules())).to.deep.include({ admitted: true });
  });
});
