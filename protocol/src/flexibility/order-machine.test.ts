import { expect } from 'chai';
import fc from 'fast-check';
import {
  isFinal,
  nextOrderState,
  ORDER_EVENTS,
  ORDER_STATES,
  type OrderEvent,
  type OrderState,
} from './order-machine.ts';

/** Rows: state; columns in the order of ORDER_EVENTS; `=` stays, `-` is refused. */
const expected: Record<OrderState, string> = {
  SELECTING: '= QUOTED - - - - - - - - - - DECLINED EXPIRED',
  QUOTED: 'SELECTING = INITIALISING - - - - - - - - - DECLINED EXPIRED',
  INITIALISING: '- = = INITIALISED - - - - - - - - DECLINED EXPIRED',
  INITIALISED: '- = = = CONFIRMING - - - CANCELLING CANCELLED - - DECLINED EXPIRED',
  CONFIRMING: '- = - = = SCHEDULED IN_PROGRESS COMPLETED CANCELLING CANCELLED - - DECLINED EXPIRED',
  SCHEDULED: '- = - = = = IN_PROGRESS COMPLETED CANCELLING CANCELLED = = - =',
  IN_PROGRESS: '- = - = = = = COMPLETED CANCELLING CANCELLED = = - =',
  COMPLETED: '- = - = - = = = - - - = - =',
  CANCELLING: '- = - = - = = COMPLETED = CANCELLED - = DECLINED =',
  CANCELLED: '- = - = - = = - = = - = = =',
  DECLINED: '- - - - - - - - = = - - = =',
  EXPIRED: '- - - - - - - - = = - - = =',
};

function run(start: OrderState, events: readonly OrderEvent[]): OrderState {
  return events.reduce((state, event) => {
    const move = nextOrderState(state, event);
    return move.ok ? move.state : state;
  }, start);
}

describe('order machine', () => {
  for (const state of ORDER_STATES) {
    it(`${state}: every event`, () => {
      const row = expected[state].split(' ');
      expect(row).to.have.length(ORDER_EVENTS.length);
      ORDER_EVENTS.forEach((event, index) => {
        const cell = row[index];
        const move = nextOrderState(state, event);
        if (cell === '-') {
          expect(move, event).to.include({ ok: false, code: 'ORD_STATE' });
          expect(move).to.have.property('message').that.includes(event).and.includes(state);
        } else {
          const next = cell === '=' ? state : cell;
          expect(move, event).to.deep.equal({ ok: true, state: next, applied: next !== state });
        }
      });
    });
  }

  it('an order begins with select and nothing else', () => {
    for (const event of ORDER_EVENTS) {
      expect(nextOrderState(undefined, event).ok, event).to.equal(event === 'select');
    }
  });

  it('goes the straight way from select to completion', () => {
    const way: OrderEvent[] = ['on_select', 'init', 'on_init', 'confirm', 'on_confirm'];
    expect(run('SELECTING', way)).to.equal('SCHEDULED');
    expect(run('SCHEDULED', ['on_status:IN_PROGRESS', 'on_status:COMPLETED'])).to.equal('COMPLETED');
    expect(run('IN_PROGRESS', ['cancel', 'on_cancel'])).to.equal('CANCELLED');
  });

  it('callbacks converge: any order of them, with any repeats, ends the same', () => {
    const callbacks: OrderEvent[] = ['on_confirm', 'on_status:IN_PROGRESS', 'on_status:COMPLETED'];
    const late: OrderEvent[] = ['on_select', 'on_init'];
    const order = fc
      .shuffledSubarray([...callbacks, ...callbacks, ...late], { minLength: 1 })
      .filter((events) => callbacks.every((callback) => events.includes(callback)));
    fc.assert(
      fc.property(order, (events) => {
        expect(run('CONFIRMING', events)).to.equal('COMPLETED');
      }),
    );
  });

  it('a cancelled order ends cancelled whatever callbacks come late', () => {
    const events: OrderEvent[] = ['on_cancel', 'on_confirm', 'on_status:IN_PROGRESS', 'on_init'];
    const order = fc
      .shuffledSubarray([...events, ...events], { minLength: 1 })
      .filter((all) => all.includes('on_cancel'));
    fc.assert(
      fc.property(order, (all) => {
        expect(run('CANCELLING', all)).to.equal('CANCELLED');
      }),
    );
  });

  it('nothing leaves a final state', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ORDER_STATES.filter(isFinal)),
        fc.array(fc.constantFrom(...ORDER_EVENTS), { maxLength: 20 }),
        (state, events) => {
          expect(run(state, events)).to.equal(state);
        },
      ),
    );
  });
});
