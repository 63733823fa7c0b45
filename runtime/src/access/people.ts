/** Who may do what: people and programs by name, each with one role and a token of which only the hash is kept. */
import { createHash, timingSafeEqual } from 'node:crypto';

/** Each may do what those before it may. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export interface Person {
  readonly name: string;
  readonly role: Role;
  /** SHA-256 of the token, hexadecimal. */
  readonly tokenSha256: string;
}

export function mayActAs(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

const digestOf = (token: string) => createHash('sha256').update(token).digest();

/** What is kept of a token. */
export function tokenSha256(token: string): string {
  return digestOf(token).toString('hex');
}

/** Looks at everybody, whoever it is, so that time tells nothing. */
export function personOf(people: readonly Person[], token: string): Person | undefined {
  const digest = digestOf(token);
  let found: Person | undefined;
  for (const person of people) if (timingSafeEqual(Buffer.from(person.tokenSha256, 'hex'), digest)) found = person;
  return found;
}
