import { resolve } from 'node:path';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import { DirectoryLockedError } from '@flexder/runtime/lock.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { backUp } from '../../backup/backup.ts';
import { BackupError } from '../../backup/error.ts';
import { type Command, print, required, say, UsageError } from '../command.ts';
import { DATABASE_OPTION, databaseUrlOf } from '../database-option.ts';

const command: Command = {
  summary: 'Writes database and archive of a stopped service or network into one checksummed file',
  arguments: '--data DIR --to FILE [--database URL]',
  options: {
    data: { type: 'string', value: 'DIR', help: 'the folder of database and archive' },
    to: { type: 'string', value: 'FILE', help: 'the new file' },
    ...DATABASE_OPTION,
  },
  async run(values, positionals) {
    if (positionals.length > 0)
      throw new UsageError(`backup takes options only, not ${JSON.stringify(positionals[0])}`);
    const place = { dataDir: resolve(required(values, 'data')), databaseUrl: databaseUrlOf(values) };
    const deps = { wall: systemWallClock(), log: createLogger('flexder', 'error'), env: process.env };
    try {
      const file = resolve(required(values, 'to'));
      const done = await backUp(place, file, deps);
      print(JSON.stringify(done));
      say(`${done.file} holds the ${done.kind} database and ${done.archived} archived objects. SHA-256 ${done.sha256}`);
      return 0;
    } catch (error) {
      if (error instanceof DirectoryLockedError) throw new UsageError(error.message);
      if (!(error instanceof BackupError)) throw error;
      say(`flexder: ${error.message}`);
      return 1;
    }
  },
};
export default command;
