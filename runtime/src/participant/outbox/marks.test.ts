import { expect } from 'chai';
import type { Kysely } from 'kysely';
import type { WallClock } from '../../clock.ts';
import { openPglite } from '../../engines/database/pglite.ts';
import type { DatabaseEngine } from '../../engines/database/port.ts';
import { testDeps } from '../../testing/quiet.ts';
import { participantMigrations } from '../open.ts';
import type { ParticipantTables } from '../tables.ts';
import { createMarks } from './marks.ts';

describe('marks of the outbox', () => {
  const { wall, log } = testDeps();
  let engine: DatabaseEngine;
  let db: Kysely<ParticipantTables>;
  let away = false;
  before(async () => {
    engine = await openPglite({ location: 'memory', ...testDeps() });
    const opened = await engine.open<ParticipantTables>('marks.example', participantMigrations);
    db = opened.withPlugin({
      transformQuery({ node }) {
        if (away && node.kind === 'RawNode') throw new Error('no space left on device');
        return node;
      },
      transformResult: async ({ result }) => result,
    });
    const rows = ['a', 'b'].map((id) => ({ id, kind: 'job' as const, payload: '{}', created: new Date(0) }));
    await db.insertInto('outbox').values(rows).execute();
  });
  after(() => engine?.close());

  const rowOf = (id: string) =>
    db
      .selectFrom('outbox')
      .select(({ eb }) => [eb('done_at', 'is not', null).as('done'), 'attempts', 'error'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow();

  it('are written once the database takes them, the last word of each row', async () => {
    const marks = createMarks(db, wall, log);
    away = true;
    marks.done(['a']);
    marks.retry({ id: 'b', attempts: 1, next_attempt: new Date(1).toISOString(), error: 'hung up' });
    await marks.flush();
    expect(await rowOf('a')).to.include({ done: false });
    expect(marks.isDone('a'), 'whoever looks for open rows is told').to.equal(true);
    marks.retry({ id: 'b', attempts: 2, next_attempt: new Date(2).toISOString(), error: 'hung up again' });
    await marks.flush();
    expect(await rowOf('b')).to.include({ attempts: 0, error: null });

    away = false;
    await marks.flush();
    expect(await rowOf('a')).to.include({ done: true });
    expect(marks.isDone('a')).to.equal(false);
    expect(await rowOf('b')).to.deep.equal({ done: false, attempts: 2, error: 'hung up again' });
  });

  it('closed, it writes what it has, and nothing that comes later keeps the process alive', async () => {
    let armed = 0;
    const counting: WallClock = {
      ...wall,
      after(ms, run) {
        armed++;
        const cancel = wall.after(ms, () => {
          armed--;
          run();
        });
        return () => {
          armed--;
          cancel();
        };
      },
    };
    await db
      .insertInto('outbox')
      .values(['c', 'd'].map((id) => ({ id, kind: 'job' as const, payload: '{}', created: new Date(0) })))
      .execute();
    const marks = createMarks(db, counting, log);
    marks.done(['c']);
    expect(armed).to.equal(1);
    await marks.close();
    expect(await rowOf('c')).to.include({ done: true });
    marks.done(['d']);
    marks.retry({ id: 'd', attempts: 1, next_attempt: new Date(1).toISOString(), error: 'hung up' });
    expect(armed).to.equal(0);
    expect(await rowOf('d')).to.include({ done: false, attempts: 0 });
  });
});
