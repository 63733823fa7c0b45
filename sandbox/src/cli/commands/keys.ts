import { randomUUID } from 'node:crypto';
import { generateKeys } from '@flexder/protocol/beckn/keys.ts';
import { type Command, print, UsageError } from '../command.ts';

const command: Command = {
  summary: 'Makes the keys of a network participant: Ed25519 to sign, X25519 for the registry’s challenge',
  arguments: 'new',
  options: { 'key-id': { type: 'string', value: 'ID', help: 'the unique key id; a new UUID when absent' } },
  async run(values, [verb]) {
    if (verb !== 'new') throw new UsageError('say what to do with keys: `flexder keys new`');
    const keys = generateKeys();
    print(JSON.stringify({ keyId: values['key-id'] ?? randomUUID(), ...keys }));
    return 0;
  },
};
export default command;
