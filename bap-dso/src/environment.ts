/** Variables into the members of a configuration; what each member may be is its schema's concern. */
import { readFileSync } from 'node:fs';

export type Env = Readonly<Record<string, string | undefined>>;

/** From variable to member, by how its text is read. */
export interface Variables<Member extends string> {
  readonly texts: Readonly<Record<string, Member>>;
  readonly numbers: Readonly<Record<string, Member>>;
  /** JSON in the variable itself, or `@path` of a file that holds it. */
  readonly documents: Readonly<Record<string, Member>>;
}

export function readVariables<Member extends string>(
  env: Env,
  { texts, numbers, documents }: Variables<Member>,
  problems: string[],
): Partial<Record<Member, unknown>> {
  const input: Partial<Record<Member, unknown>> = {};
  for (const [name, key] of Object.entries(texts)) if (env[name]) input[key] = env[name];
  for (const [name, key] of Object.entries(numbers)) {
    if (!env[name]) continue;
    if (Number.isFinite(Number(env[name]))) input[key] = Number(env[name]);
    else problems.push(`${name} is not a number`);
  }
  for (const [name, key] of Object.entries(documents)) {
    if (!env[name]) continue;
    try {
      input[key] = JSON.parse(env[name].startsWith('@') ? readFileSync(env[name].slice(1), 'utf8') : env[name]);
    } catch (error) {
      problems.push(`${name} is not readable JSON: ${(error as Error).message}`);
    }
  }
  return input;
}
