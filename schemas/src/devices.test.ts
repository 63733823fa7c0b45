import { expect } from 'chai';
import { validateDevice } from './validators.ts';

const COMMAND = {
  v: 1,
  command_id: 'cmd-1',
  der_id: 'der-1',
  sequence: 7,
  type: 'DISPATCH_SETPOINT',
  order_id: 'BG-1',
  obp_id: 'OBP-1',
  event_id: 'EVT-1',
  target_kw: -3.5,
  start_at: '2026-11-24T17:30:00.000Z',
  stop_at: '2026-11-24T18:30:00.000Z',
  valid_until: '2026-11-24T17:31:00.000Z',
  release_delay_s: 0,
  issued_at: '2026-11-24T17:29:52.000Z',
};

describe('device messages', () => {
  it('accept a command and refuse each of its members missing, extra or out of range', () => {
    expect(validateDevice('cmd', COMMAND)).to.deep.equal({ valid: true });
    for (const member of Object.keys(COMMAND)) {
      const { [member]: _, ...rest } = COMMAND as Record<string, unknown>;
      expect(validateDevice('cmd', rest)).to.have.nested.property('errors[0].path', `/${member}`);
    }
    const wrong = {
      release_delay_s: 901,
      target_kw: Number.POSITIVE_INFINITY,
      sequence: 1.5,
      der_id: 'a/b',
      v: 2,
      extra: 1,
      start_at: '2026-11-24T17:30:00Z',
    };
    for (const [member, value] of Object.entries(wrong)) {
      expect(validateDevice('cmd', { ...COMMAND, [member]: value })).to.have.nested.property(
        'errors[0].path',
        `/${member}`,
      );
    }
  });

  it('refuse a number that JSON cannot hold', () => {
    const sent = JSON.stringify(COMMAND).replace('-3.5', '1e400');
    expect(validateDevice('cmd', JSON.parse(sent))).to.have.nested.property('errors[0].path', '/target_kw');
  });

  it('know the other five kinds', () => {
    const ts = '2026-11-24T17:30:00.000Z';
    const head = { v: 1, der_id: 'der-1' };
    const bodies = {
      birth: {
        ...head,
        device_type: 'battery',
        feeder_id: 'F07',
        ts,
        seq: 0,
        rated_kw: 5,
        max_import_kw: 5,
        max_export_kw: 3.68,
        firmware: 'sim-1.0.0',
      },
      state: { ...head, status: 'OFFLINE' },
      ack: { ...head, command_id: 'cmd-1', sequence: 7, result: 'OPTED_OUT', reason: 'owner', ts },
      telemetry: {
        ...head,
        ts,
        seq: 3,
        power_kw: -1.2,
        import_kwh: 10,
        export_kwh: 2.5,
        available_down_kw: 0,
        mode: 'IDLE',
        quality: 'GOOD',
        soc: 0.5,
      },
      'feeder-telemetry': {
        v: 1,
        feeder_id: 'F07',
        ts,
        seq: 3,
        power_kw: 4210.5,
        current_a: 221,
        voltage_kv: 11,
        quality: 'GOOD',
      },
    } as const;
    for (const [kind, body] of Object.entries(bodies) as [keyof typeof bodies, object][]) {
      expect(validateDevice(kind, body), kind).to.deep.equal({ valid: true });
      expect(validateDevice(kind, { ...body, zzz: 1 }), kind).to.have.nested.property('errors[0].path', '/zzz');
      expect(validateDevice(kind, { ...body, v: '1' }), kind).to.have.nested.property('errors[0].path', '/v');
    }
  });
});
