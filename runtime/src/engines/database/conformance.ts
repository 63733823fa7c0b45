import { expect } from 'chai';
import { ofServer } from './conformance/server.ts';
import { subscribersAndMigrations } from './conformance/subscribers.ts';
import { failure, migrations, names, type Tables, type Under } from './conformance/tables.ts';
import { valuesAndTransactions } from './conformance/values.ts';
import type { DatabaseEngine } from './port.ts';

/** What only some adapters can show. */
export interface DatabaseMeans {
  /** Closes the engine and opens the same data again. */
  reopen?(engine: DatabaseEngine): Promise<DatabaseEngine>;
  /** A second engine on the same data, as another process has it. */
  another?(): Promise<DatabaseEngine>;
  /** Cuts every connection of the engine, as a failover does. */
  cut?(): Promise<void>;
  /** The same data with this bound on a statement. */
  impatient?(statementMs: number): Promise<DatabaseEngine>;
}

/** What every database adapter must do. */
export function databaseConformance(open: () => Promise<DatabaseEngine>, means: DatabaseMeans = {}): void {
  const { reopen } = means;
  const at = {} as Under;
  before(async () => {
    at.engine = await open();
    at.db = await at.engine.open<Tables>('bap.example', migrations);
  });
  after(() => at.engine.close());
  beforeEach(() => at.db.deleteFrom('reading').execute());

  valuesAndTransactions(at);
  subscribersAndMigrations(at);
  ofServer(at, means);

  if (reopen) {
    it('has after a reopening what was committed', async () => {
      await at.db.insertInto('reading').values({ name: 'durable', body: null }).execute();
      at.engine = await reopen(at.engine);
      at.db = await at.engine.open<Tables>('bap.example', migrations);
      expect(await names(at.db)).to.deep.equal(['durable']);
    });
  }

  it('refuses work once it is closed', async () => {
    expect(await names(at.db)).to.be.an('array');
    await at.engine.close();
    await at.engine.close();
    expect((await failure(names(at.db))).message).to.match(/closed/);
    expect((await failure(at.engine.open('late.example', migrations))).message).to.match(/closed/);
  });
}
