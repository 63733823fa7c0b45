/** What a server shows beside: several processes, connections that are cut, statements that take too long. */
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import type { DatabaseMeans } from '../conformance.ts';
import { failure, migrations, names, second, type Tables, type Under } from './tables.ts';

export function ofServer(at: Under, { another, cut, impatient }: DatabaseMeans): void {
  if (another) {
    it('several_processes_that_start_at_once_migrate_once', async () => {
      const engines = await Promise.all([another(), another(), another()]);
      try {
        const opened = await Promise.all(
          engines.map((one) => one.open<Tables & { reading: { note: string | null } }>('at-once.example', second)),
        );
        await opened[0]?.insertInto('reading').values({ name: 'shared', body: null }).execute();
        for (const one of opened) expect(await one.selectFrom('reading').select('note').execute()).to.have.length(1);
      } finally {
        await Promise.all(engines.map((one) => one.close()));
      }
    });

    it('lets one of two processes wait for the row that the other has locked', async () => {
      const other = await another();
      try {
        const there = await other.open<Tables>('bap.example', migrations);
        await at.db.insertInto('reading').values({ name: 'counter', rows: 0, body: null }).execute();
        const increment = (on: Kysely<Tables>) =>
          on.transaction().execute(async (tx) => {
            const counter = tx.selectFrom('reading').select('rows').where('name', '=', 'counter').forUpdate();
            const { rows } = await counter.executeTakeFirstOrThrow();
            const next = (rows ?? 0) + 1;
            await tx.updateTable('reading').set({ rows: next }).where('name', '=', 'counter').execute();
          });
        await Promise.all(Array.from({ length: 20 }, (_, index) => increment(index % 2 === 0 ? at.db : there)));
        expect((await at.db.selectFrom('reading').select('rows').executeTakeFirstOrThrow()).rows).to.equal(20);
      } finally {
        await other.close();
      }
    });
  }

  if (cut) {
    it('has an error for what was under way when its connections were cut, and then goes on', async () => {
      await at.db.insertInto('reading').values({ name: 'before', body: null }).execute();
      const error = await failure(
        at.db.transaction().execute(async (tx) => {
          await tx.insertInto('reading').values({ name: 'lost', body: null }).execute();
          await cut();
          await tx.insertInto('reading').values({ name: 'lost too', body: null }).execute();
        }),
      );
      expect(error.message).to.match(/terminat|ECONNRESET|EPIPE/);
      expect(await names(at.db)).to.deep.equal(['before']);
    });
  }

  if (impatient) {
    it('cancels a statement that outlives its bound, and goes on', async () => {
      const short = await impatient(100);
      try {
        const own = await short.open('bap.example', migrations);
        expect((await failure(sql`select pg_sleep(60)`.execute(own))).code).to.equal('57014');
        expect((await sql`select 1 as n`.execute(own)).rows).to.deep.equal([{ n: 1 }]);
      } finally {
        await short.close();
      }
    });
  }
}
