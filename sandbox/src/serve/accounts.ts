/** The accounts of an embedded broker, as a file holds them. */
import { type AccountDirectory, memoryAccounts } from '@flexder/runtime/engines/bus/accounts.ts';
import { isTopicFilter } from '@flexder/runtime/engines/bus/filters.ts';
import type { BusAccount } from '@flexder/runtime/engines/bus/port.ts';
import { ACCOUNTS, PROBLEMS_TOLD } from './limits.ts';

export class AccountsError extends Error {
  override name = 'AccountsError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join(' '));
    this.problems = problems;
  }
}

/** Throws an AccountsError with what is wrong with which account; passwords are not repeated. */
export function readAccounts(value: unknown): AccountDirectory {
  const accounts = memoryAccounts();
  accounts.add(...checkedAccounts(value));
  return accounts;
}

/** As `readAccounts`, as a list. */
export function checkedAccounts(value: unknown): readonly BusAccount[] {
  if (!Array.isArray(value)) throw new AccountsError(['a JSON array of accounts is expected.']);
  if (value.length > ACCOUNTS) throw new AccountsError([`at most ${ACCOUNTS} accounts, not ${value.length}.`]);
  const seen = new Set<string>();
  const problems = value.flatMap((account: unknown, index) => {
    const fault = faultOf(account, seen);
    return fault === undefined ? [] : [`account ${index}: ${fault}.`];
  });
  if (problems.length > PROBLEMS_TOLD)
    problems.splice(PROBLEMS_TOLD, problems.length, `and ${problems.length - PROBLEMS_TOLD} more.`);
  if (problems.length > 0) throw new AccountsError(problems);
  return value as BusAccount[];
}

const MEMBERS = ['username', 'password', 'publish', 'subscribe'];

function faultOf(account: unknown, seen: Set<string>): string | undefined {
  if (typeof account !== 'object' || account === null) return 'is not an object';
  const { username, password, publish, subscribe } = account as Record<string, unknown>;
  const unknown = Object.keys(account).find((member) => !MEMBERS.includes(member));
  if (unknown !== undefined) return `has an unknown member ${JSON.stringify(unknown)}`;
  if (typeof username !== 'string' || username === '') return 'has no username';
  if (seen.has(username)) return `${username} is listed twice`;
  seen.add(username);
  if (typeof password !== 'string' || password === '') return `${username} has no password`;
  if (!areFilters(publish)) return `${username}: publish must be an array of topic filters`;
  if (!areFilters(subscribe)) return `${username}: subscribe must be an array of topic filters`;
  return undefined;
}

function areFilters(value: unknown): boolean {
  return Array.isArray(value) && value.every((filter) => typeof filter === 'string' && isTopicFilter(filter));
}
