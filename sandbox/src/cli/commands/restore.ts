import { resolve } from 'node:path';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import { DirectoryLockedError } from '@flexder/runtime/lock.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { restore } from '../../backup/backup.ts';
import { BackupError } from '../../backup/error.ts';
import { type Command, print, required, say, UsageError } from '../command.ts';
import { DATABASE_OPTION, databaseUrlOf } from '../database-option.ts';

const command: Command = {
  summary: 'Brings a backup back, to a folder or database where nothing is yet',
  arguments: '--from FILE --data DIR [--database URL]',
  options: {
    data: { type: 'string', value: 'DIR', help: 'the folder of database and archive' },
    from: { type: 'string', value: 'FILE', help: 'a file of `flexder backup`' },
    ...DATABASE_OPTION,
  },
  async run(values, positionals) {
    if (positionals.length > 0)
      throw new UsageError(`restore takes options only, not ${JSON.stringify(positionals[0])}`);
    const place = { dataDir: resolve(required(values, 'data')), databaseUrl: databaseUrlOf(values) };
    const deps = { wall: systemWallClock(), log: createLogger('flexder', 'error'), env: process.env };
    try {
      const done = await restore(resolve(required(values, 'from')), place, deps);
      print(JSON.stringify(done));
      say(
        `Restored the ${done.kind} database and ${done.archived} archived objects. \`flexder audit verify\` shows that the record is whole.`,
      );
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
