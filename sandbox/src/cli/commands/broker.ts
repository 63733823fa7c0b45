import { join, resolve } from 'node:path';
import { systemIds } from '@flexder/runtime/context.ts';
import { MOSQUITTO_FILES, MosquittoAccountError } from '@flexder/runtime/engines/bus/mosquitto.ts';
import type { BusAccount } from '@flexder/runtime/engines/bus/port.ts';
import { AccountsError, checkedAccounts } from '../../serve/accounts.ts';
import {
  accountFiles,
  configFile,
  type FolderFile,
  keepOwner,
  reload,
  writeFolder,
} from '../../serve/mosquitto-folder.ts';
import { readJson } from '../../serve/settings/config.ts';
import { type Command, integer, print, required, say, text, UsageError, type Values } from '../command.ts';

const command: Command = {
  summary: 'Writes what Mosquitto needs to know of the accounts of the device bus',
  arguments: 'mosquitto --accounts FILE --dir DIR',
  options: {
    accounts: { type: 'string', value: 'FILE', help: 'JSON array of accounts, as `flexder serve broker` reads it' },
    dir: { type: 'string', value: 'DIR', help: 'where passwords, ACL and mosquitto.conf go' },
    host: { type: 'string', value: 'HOST', help: 'where Mosquitto listens (127.0.0.1; 0.0.0.0 with --tls)' },
    port: { type: 'string', value: 'N', help: 'and on which port (1883; 8883 with --tls)' },
    tls: { type: 'boolean', help: 'encrypt, with DIR/broker.pem and DIR/broker.key, which you put there' },
    'client-certificates': { type: 'boolean', help: 'with --tls: clients show one that DIR/ca.pem vouches for' },
    reload: { type: 'boolean', help: 'accounts only, then SIGHUP to the Mosquitto that runs from DIR' },
  },
  async run(values, [broker, ...more]) {
    if (broker !== 'mosquitto' || more.length > 0)
      throw new UsageError(
        '`flexder broker mosquitto` is the broker known here; the embedded one is `flexder serve broker`',
      );
    const dir = resolve(required(values, 'dir'));
    const accounts = accountsIn(required(values, 'accounts'));
    try {
      const files = accountFiles(dir, accounts, systemIds().secret);
      if (values.reload === true) return again(dir, files);
      first(dir, files, values);
    } catch (error) {
      if (error instanceof MosquittoAccountError || error instanceof RangeError) throw new UsageError(error.message);
      throw error;
    }
    say(`${accounts.length} accounts. Start it with:`);
    print(`mosquitto -c ${join(dir, MOSQUITTO_FILES.config)}`);
    return 0;
  },
};
export default command;

function accountsIn(path: string): readonly BusAccount[] {
  try {
    return checkedAccounts(readJson(path));
  } catch (error) {
    const problems = error instanceof AccountsError ? error.problems.join(' ') : (error as Error).message;
    throw new UsageError(`--accounts ${path}: ${problems}`);
  }
}

function first(dir: string, files: readonly FolderFile[], values: Values): void {
  const tls = values.tls === true;
  if (!tls && values['client-certificates'] === true) throw new UsageError('--client-certificates goes with --tls');
  const pem = (name: string) => join(dir, name);
  const config = configFile({
    dir,
    host: text(values, 'host') ?? (tls ? '0.0.0.0' : '127.0.0.1'),
    port: integer(values, 'port', tls ? 8883 : 1883, 1, 65_535),
    ...(tls && {
      tls: {
        cert: pem('broker.pem'),
        key: pem('broker.key'),
        ...(values['client-certificates'] === true && { ca: pem('ca.pem') }),
      },
    }),
  });
  writeFolder(dir, [...files, config]);
  if (process.getuid?.() === 0)
    say(`Mosquitto started by root becomes the user mosquitto: chown -R mosquitto ${dir} before you start it.`);
}

function again(dir: string, files: readonly FolderFile[]): number {
  writeFolder(dir, files);
  keepOwner(dir, files);
  if (reload(dir, (pid, name) => process.kill(pid, name))) {
    say('Mosquitto reads its accounts again; connections that are open stay as they are.');
    return 0;
  }
  say(`The files are written, but no Mosquitto runs from ${dir}.`);
  return 1;
}
