import { randomBytes, randomUUID } from 'node:crypto';
import { isIdentifier } from '@flexder/protocol/beckn/identifiers.ts';
import { generateKeys } from '@flexder/protocol/beckn/keys.ts';
import { ROLES, tokenSha256 } from '@flexder/runtime/access/people.ts';
import { type Command, print, required, text, UsageError } from '../command.ts';

const command: Command = {
  summary:
    'Makes keys of a network participant (Ed25519 to sign, X25519 for the registry’s challenge), or an operator’s token',
  arguments: 'new|operator',
  options: {
    'key-id': { type: 'string', value: 'ID', help: 'new: the unique key id; a new UUID when absent' },
    name: { type: 'string', value: 'NAME', help: 'operator: who it is for' },
    role: { type: 'string', value: 'ROLE', help: `operator: ${ROLES.join(', ')} (viewer)` },
  },
  async run(values, [verb]) {
    if (verb === 'operator') return operator(required(values, 'name'), text(values, 'role') ?? 'viewer');
    if (verb !== 'new') throw new UsageError('say what to do with keys: `flexder keys new` or `flexder keys operator`');
    const keys = generateKeys();
    print(JSON.stringify({ keyId: values['key-id'] ?? randomUUID(), ...keys }));
    return 0;
  },
};
export default command;

const TOKEN_BYTES = 32;

/** The token is for the person, told once; the entry is for the list of FLEXDER_BAP_OPERATORS or FLEXDER_BPP_OPERATORS_FILE. */
function operator(name: string, role: string): number {
  if (!isIdentifier(name)) throw new UsageError('--name takes letters, digits, dot, underscore and hyphen');
  if (!ROLES.some((one) => one === role)) throw new UsageError(`--role is one of ${ROLES.join(', ')}`);
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  print(JSON.stringify({ token, entry: { name, role, tokenSha256: tokenSha256(token) } }));
  return 0;
}
