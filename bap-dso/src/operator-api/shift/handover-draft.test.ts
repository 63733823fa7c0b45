import { expect } from 'chai';
import type { AlarmView } from '../alarms/alarms.ts';
import type { DecisionView } from '../events/decisions.ts';
import type { OverloadView } from '../events/overloads.ts';
import { NOTE_LENGTH } from '../limits.ts';
import type { OrderView } from '../orders/orders.ts';
import { draftOf, type ShiftState } from './handover-draft.ts';

const at = (time: string) => Date.parse(`2026-01-15T${time}:00Z`);
const NOTHING: ShiftState = {
  ...{ nowMs: at('18:00'), sinceMs: at('06:00'), last: undefined, opened: 0, raised: 0 },
  names: new Map([['feeder-1', 'Heath Road']]),
  ...{ events: [], decisions: [], orders: [], restrictions: [], alarms: [] },
};
const alarm = (kind: string, more: Partial<AlarmView> = {}) =>
  ({ kind, feederId: 'feeder-1', shelved: null, returned: false, ackedBy: null, ...more }) as AlarmView;

describe('draft of a handover', () => {
  it('says that there is nothing, of each', () => {
    expect(draftOf(NOTHING).split('\n')).to.deep.equal([
      'At 18:00. Since 06:00, with no note before: 0 events, 0 alarms.',
      'Open events: none.',
      'Decisions that wait: none.',
      'Orders in flight: none.',
      'Held back by hand: none.',
      'Shelved alarms: none.',
      'Standing alarms: none.',
    ]);
  });

  it('names what is open, held back, put aside and standing; what is over or closed is left out', () => {
    const event = { feederId: 'feeder-1', state: 'SHORT', requestedKw: 120, committedKw: 90.04, measuredKw: null };
    const order = (state: string) => ({ state, promisedKw: 45 }) as OrderView;
    const shelved = { by: 'olga', reason: 'its meter is replaced', since: '', until: '2026-01-15T19:30:00Z' };
    const lines = draftOf({
      ...NOTHING,
      last: { noteId: 1, by: 'vera', text: 'x', at: '' },
      ...{ opened: 2, raised: 1 },
      events: [{ ...event, window: { startMs: 0, endMs: at('18:45') } } as unknown as OverloadView],
      decisions: [{ feederId: 'feeder-2', because: 'its mode is manual' } as unknown as DecisionView],
      orders: [order('IN_PROGRESS'), order('SCHEDULED'), order('COMPLETED')],
      restrictions: [
        { kind: 'stop', subject: '*', by: 'olga', reason: 'a fault upstream', since: '2026-01-15T17:05:00Z' },
        { kind: 'exclude-bpp', subject: 'bpp-1', by: 'olga', reason: 'silent', since: '2026-01-15T17:06:00Z' },
      ],
      alarms: [
        alarm('unit-confused', { ackedBy: 'olga' }),
        alarm('load-collapse'),
        alarm('data-missing', { shelved }),
        alarm('rate-of-rise', { returned: true }),
      ],
    }).split('\n');
    expect(lines).to.deep.equal([
      'At 18:00. Since the note of vera at 06:00: 2 events, 1 alarm.',
      'Open events (1): Heath Road short, 120 kW asked, 90.0 promised, until 18:45.',
      'Decisions that wait (1): feeder-2 (its mode is manual).',
      'Orders in flight: 2, 90.0 kW promised.',
      'Held back by hand (2): dispatch is stopped by olga since 17:05, a fault upstream; bpp-1 is excluded by olga since 17:06, silent.',
      'Shelved alarms (1): Data missing Heath Road until 19:30 by olga, its meter is replaced.',
      'Standing alarms (2): Load collapsed Heath Road, not acknowledged; Another unit Heath Road.',
    ]);
  });

  it('counts what it does not name, and is never longer than a note may be', () => {
    const many = Array.from({ length: 8 }, () => alarm('load-collapse'));
    expect(draftOf({ ...NOTHING, alarms: many }))
      .to.contain('Standing alarms (8):')
      .and.contain('; and 3 more.');
    const long = Array.from({ length: 8 }, () => ({
      kind: 'stop',
      subject: '*',
      by: 'b'.repeat(500),
      reason: 'r',
      since: '',
    }));
    expect(draftOf({ ...NOTHING, restrictions: long })).to.have.length(NOTE_LENGTH);
  });
});
