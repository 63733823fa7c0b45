/** Tables of each subscriber's own, and their migrations. */
import { expect } from 'chai';
import { type Migration, sql } from 'kysely';
import { failure, migrations, names, second, type Tables, type Under } from './tables.ts';

export function subscribersAndMigrations(at: Under): void {
  it('subscriber_cannot_read_the_tables_of_another', async () => {
    const other = await at.engine.open<Tables>('bpp.example', migrations);
    await at.db.insertInto('reading').values({ name: 'mine', body: null }).execute();
    expect(await names(other), 'its own table of that name').to.deep.equal([]);
    const { schema } = (await sql<{ schema: string }>`select current_schema() as schema`.execute(at.db)).rows[0] ?? {
      schema: '',
    };
    const foreign = sql.id(schema, 'reading');
    expect((await sql`select name from ${foreign}`.execute(at.db)).rows).to.deep.equal([{ name: 'mine' }]);
    for (const statement of [
      sql`select * from ${foreign}`,
      sql`insert into ${foreign} (name) values ('x')`,
      sql`drop table ${foreign}`,
    ]) {
      expect((await failure(statement.execute(other))).code).to.equal('42501');
    }
  });

  it('subscriber_ids_that_look_alike_get_tables_of_their_own', async () => {
    const ids = ['a.b', 'a-b', 'A.B', 'a"b; drop schema public', `a${'b'.repeat(200)}`, `a${'b'.repeat(201)}`];
    for (const id of ids) {
      const own = await at.engine.open<Tables>(id, migrations);
      expect(await names(own)).to.deep.equal([]);
      await own.insertInto('reading').values({ name: id, body: null }).execute();
    }
  });

  it('migrates forward, once', async () => {
    const before = await at.engine.open<Tables>('upgrade.example', migrations);
    await before.insertInto('reading').values({ name: 'old', body: null }).execute();
    const after = await at.engine.open<Tables & { reading: { note: string | null } }>('upgrade.example', second);
    expect(await after.selectFrom('reading').select(['name', 'note']).execute()).to.deep.equal([
      { name: 'old', note: null },
    ]);
    await at.engine.open('upgrade.example', second);
  });

  it('leaves nothing of a migration that fails, and names it', async () => {
    const broken: Record<string, Migration> = {
      '001-half': {
        async up(db) {
          await sql`create table half (id int)`.execute(db);
          await sql`create table half (id int)`.execute(db);
        },
      },
    };
    expect((await failure(at.engine.open('broken.example', broken))).message).to.match(
      /broken\.example.*001-half.*already exists/s,
    );
    const own = await at.engine.open('broken.example', {});
    expect((await failure(sql`select * from half`.execute(own))).message).to.match(/does not exist/);
  });

  it('refuses tables that are newer than the program', async () => {
    await at.engine.open('newer.example', second);
    expect((await failure(at.engine.open('newer.example', migrations))).message).to.match(/002-note/);
  });
}
