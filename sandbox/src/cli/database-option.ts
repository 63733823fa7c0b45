import { withPassword } from '../serve/settings/secrets.ts';
import { type CommandOptions, text, UsageError, type Values } from './command.ts';

export const DATABASE_OPTION: CommandOptions = {
  database: {
    type: 'string',
    value: 'URL',
    help: 'postgres://USER@HOST:PORT/DATABASE; its password from FLEXDER_DATABASE_PASSWORD_FILE',
  },
};

/** The URL of a server, with its password; undefined when the database is embedded. */
export function databaseUrlOf(values: Values): string | undefined {
  const url = text(values, 'database');
  if (url === undefined) return undefined;
  if (!/^postgres(ql)?:\/\//.test(url)) throw new UsageError('--database must be postgres://USER@HOST:PORT/DATABASE');
  const problems: string[] = [];
  const full = withPassword(process.env, 'FLEXDER_DATABASE_URL', url, problems);
  if (problems.length > 0) throw new UsageError(problems.join(' '));
  return full;
}
