import { expect } from 'chai';
import { SESSION_IDLE_MS, SESSIONS } from '../limits.ts';
import { Sessions } from './sessions.ts';

describe('sessions', () => {
  const person = { name: 'vera', role: 'viewer', tokenSha256: 'a'.repeat(64) } as const;
  function sessions() {
    const clock = { nowMs: 0 };
    let next = 0;
    const wall = { monotonicMs: () => clock.nowMs };
    const ids = { secret: (bytes: number) => Buffer.alloc(bytes, String(++next).padStart(bytes, '0')) };
    const open = new Sessions({ wall, ids } as never);
    return {
      open,
      pass(ms: number) {
        clock.nowMs += ms;
      },
    };
  }

  it('end after a pause, not while they are used', () => {
    const { open, pass } = sessions();
    const { id } = open.begin(person);
    for (let i = 0; i < 3; i++) {
      pass(SESSION_IDLE_MS - 1);
      expect(open.find(id)?.person).to.equal(person);
    }
    pass(SESSION_IDLE_MS);
    expect(open.find(id)).to.equal(undefined);
  });

  it('are bounded: whoever was not seen for longest goes', () => {
    const { open, pass } = sessions();
    const first = open.begin(person);
    const second = open.begin(person);
    pass(1);
    open.find(first.id);
    for (let i = 2; i <= SESSIONS; i++) open.begin(person);
    expect(open.size).to.equal(SESSIONS);
    expect(open.find(second.id)).to.equal(undefined);
    expect(open.find(first.id)).to.equal(first);
  });
});
