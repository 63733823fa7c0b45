import { expect } from 'chai';
import { systemWallClock } from './clock.ts';
import { checkHealth, closeAll, openInOrder, within } from './service.ts';

const wall = systemWallClock();
const never = () => new Promise<never>(() => {});

describe('parts of a service', () => {
  const part = (name: string, notes: string[], fail = false) => ({
    async close() {
      notes.push(name);
      if (fail) throw new Error(`${name} does not close`);
    },
  });

  it('close in reverse order, all of them, and then say what failed', async () => {
    const notes: string[] = [];
    const one = await closeAll([part('a', notes), part('b', notes, true), part('c', notes)]).catch((error) => error);
    expect(notes).to.deep.equal(['c', 'b', 'a']);
    expect(one.message).to.equal('b does not close');
    const both = await closeAll([part('a', notes, true), part('b', notes, true)]).catch((error) => error);
    expect(both.errors).to.have.length(2);
  });

  it('are closed again when a later one cannot be opened', async () => {
    const notes: string[] = [];
    const error = await openInOrder(async (keep) => {
      keep(part('a', notes));
      keep(part('b', notes));
      throw new Error('c does not open');
    }).catch((reason) => reason);
    expect(error.message).to.equal('c does not open');
    expect(notes).to.deep.equal(['b', 'a']);
  });

  it('stay open when all could be, until they are closed', async () => {
    const notes: string[] = [];
    const { result, close } = await openInOrder(async (keep) => keep(part('a', notes)) && 'open');
    expect([result, notes]).to.deep.equal(['open', []]);
    await close();
    expect(notes).to.deep.equal(['a']);
  });

  it('are healthy when each dependency is', async () => {
    const ok = async () => ({ ok: true, detail: '' });
    expect((await checkHealth(wall, { a: ok, b: ok }, 1_000)).ready).to.equal(true);
    const health = await checkHealth(wall, { a: ok, thrown: () => Promise.reject(new Error('away')), hung: never }, 10);
    expect(health.ready).to.equal(false);
    expect(health.dependencies.a?.ok).to.equal(true);
    expect(health.dependencies.thrown?.detail).to.equal('away');
    expect(health.dependencies.hung?.detail).to.match(/no answer within 10 ms/);
    const spare = async () => ({ ok: false, detail: 'away', needed: false });
    expect(await checkHealth(wall, { spare }, 1_000)).to.deep.nested.include({
      ready: true,
      'dependencies.spare.ok': false,
    });
  });
});

describe('a bounded wait', () => {
  it('gives the result, the failure, or the end of the bound', async () => {
    expect(await within(wall, 1_000, Promise.resolve(1))).to.equal(1);
    expect((await within(wall, 1_000, Promise.reject(new Error('no'))).catch((error) => error)).message).to.equal('no');
    expect((await within(wall, 5, never()).catch((error) => error)).message).to.equal('no answer within 5 ms');
  });
});
