/** Who the claims of a token say a person is, and what they may do here. */

import { type Actor, ROLES, type Role } from '@flexder/runtime/access/people.ts';
import { NAME_LENGTH } from '../../limits.ts';
import type { OidcConfig } from './config.ts';
import { OidcError } from './issuer.ts';

/** What stands in records and on pages: no spaces, no controls, no markup. */
const NAME = /^[\p{L}\p{N}._@+-]+$/u;

/**
 * Throws OidcError when the claims give no role here, or no name of its own: nobody from elsewhere acts under the name of
 * one who signs in by token.
 */
export function personFrom(
  claims: Readonly<Record<string, unknown>>,
  { roleClaim, nameClaim }: Pick<OidcConfig, 'roleClaim' | 'nameClaim'>,
  tokenHolders: readonly Actor[],
): Actor {
  const name = claims[nameClaim];
  if (typeof name !== 'string' || name.length > NAME_LENGTH || !NAME.test(name))
    throw new OidcError('OIDC_NAME', `the claim ${nameClaim} holds no name of 1 to ${NAME_LENGTH} letters and digits`);
  if (tokenHolders.some((holder) => holder.name === name))
    throw new OidcError('OIDC_NAME', `${name} is the name of somebody who signs in by token`);
  const given = claims[roleClaim];
  const texts: readonly unknown[] = Array.isArray(given) ? given : [given];
  const role = ROLES.findLast((known: Role) => texts.includes(known));
  if (role === undefined)
    throw new OidcError('OIDC_ROLE', `the claim ${roleClaim} of ${name} gives none of ${ROLES.join(', ')}`);
  return { name, role };
}
