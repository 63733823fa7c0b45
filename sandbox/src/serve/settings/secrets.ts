import { readFileSync } from 'node:fs';
import type { Env } from './config.ts';

const LONGEST = 4_096;

/**
 * `url`, with the password that is in the file of `NAME_PASSWORD_FILE`, where `NAME_URL` names the engine: an
 * environment is seen by more eyes than a file. Notes problems instead of throwing, and never what is in the file.
 */
export function withPassword(env: Env, name: `${string}_URL`, url: string, problems: string[]): string {
  const variable = name.replace(/_URL$/, '_PASSWORD_FILE');
  const path = env[variable];
  if (!path) return url;
  const note = (problem: string) => {
    problems.push(problem);
    return url;
  };
  if (!URL.canParse(url) || !url.includes('://')) return note(`${variable} is for a server: ${name} names none.`);
  const full = new URL(url);
  if (full.password !== '') return note(`${name} has a password already: leave it out, or unset ${variable}.`);
  const password = read(path);
  if (password === undefined) return note(`${variable}: ${path} cannot be read.`);
  if (password === '' || password.length > LONGEST)
    return note(`${variable}: ${path} is empty, or longer than ${LONGEST} characters.`);
  full.password = encodeURIComponent(password);
  return full.href;
}

/** Without the line end that editors add. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch {
    return undefined;
  }
}
