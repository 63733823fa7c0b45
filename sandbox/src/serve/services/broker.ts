import type { AccountDirectory } from '@flexder/runtime/engines/bus/accounts.ts';
import { startBroker } from '@flexder/runtime/engines/bus/broker.ts';
import { AccountsError, readAccounts } from '../accounts.ts';
import type { Base, ServiceKind, Start } from '../process/kind.ts';
import { type Env, reader, readJson, ServeConfigError } from '../settings/config.ts';

const HOST = '127.0.0.1';
const PORT = 1883;

const broker: ServiceKind = {
  configure(env: Env): Start {
    const problems: string[] = [];
    const read = reader(env, problems);
    const host = read.text('FLEXDER_BROKER_HOST', HOST);
    const port = read.integer('FLEXDER_BROKER_PORT', PORT, 0, 65_535);
    const path = read.text('FLEXDER_BROKER_ACCOUNTS', '');
    const file = read.json('FLEXDER_BROKER_ACCOUNTS', 'a JSON array of bus accounts', 'required');
    const accounts = file === undefined ? undefined : noting(problems, () => readAccounts(file));
    if (problems.length > 0 || !accounts) throw new ServeConfigError(problems);
    return (base) => start(base, { host, port, path, accounts });
  },
  settings: () => ({ FLEXDER_BROKER_HOST: HOST, FLEXDER_BROKER_PORT: PORT }),
};
export default broker;

interface Settings {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly accounts: AccountDirectory;
}

async function start(base: Base, settings: Settings) {
  let current = settings.accounts;
  const accounts: AccountDirectory = { find: (username) => current.find(username) };
  const running = base.keep(await startBroker({ ...settings, accounts, log: base.log }));
  base.onReload(() => {
    try {
      current = readAccounts(readJson(settings.path));
      base.log.info({ path: settings.path }, 'accounts read again; connections that are open stay as they are');
    } catch (error) {
      base.log.error(
        { path: settings.path, error: String(error) },
        'accounts could not be read again; the old ones stay',
      );
    }
  });
  return {
    url: running.url,
    async health() {
      base.metrics.gauge('broker_connections', running.connections);
      return {
        ready: true,
        dependencies: { listener: { ok: true, detail: `${running.connections} connections`, ageMs: 0 } },
      };
    },
  };
}

function noting<T>(problems: string[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AccountsError)) throw error;
    problems.push(...error.problems.map((problem) => `FLEXDER_BROKER_ACCOUNTS: ${problem}`));
    return undefined;
  }
}
