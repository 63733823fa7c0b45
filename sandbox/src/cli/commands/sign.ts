import { keyId, subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { signMessage } from '@flexder/protocol/beckn/signature.ts';
import { type Command, integer, print, required, UsageError } from '../command.ts';
import { readAll } from '../input.ts';

const DEFAULT_LIFETIME_S = 300;
const LAST_SECOND = 253_402_300_799;

/** `subscriber|key` or `subscriber|key|ed25519`, as it stands in the header. */
function splitKeyId(value: string) {
  const [subscriber, key, algorithm = 'ed25519', ...rest] = value.split('|');
  if (rest.length > 0 || algorithm !== 'ed25519' || !subscriber || !key) {
    throw new UsageError(`--key-id must look like subscriber.example.com|key-1|ed25519, not ${JSON.stringify(value)}`);
  }
  try {
    return { subscriberId: subscriberId(subscriber), keyId: keyId(key) };
  } catch (error) {
    throw new UsageError(`--key-id: ${(error as Error).message}`);
  }
}

const command: Command = {
  summary: 'Signs the body on standard input as BECKN-006 has it; prints the Authorization header',
  arguments: '--key SEED --key-id ID < body',
  options: {
    key: { type: 'string', value: 'BASE64', help: 'Ed25519 seed (32 bytes) or libsodium private key (64 bytes)' },
    'key-id': { type: 'string', value: 'ID', help: 'subscriber|key|ed25519' },
    created: { type: 'string', value: 'SECONDS', help: 'Unix time; now when absent' },
    expires: { type: 'string', value: 'SECONDS', help: `Unix time; created + ${DEFAULT_LIFETIME_S} when absent` },
  },
  async run(values) {
    const createdS = integer(values, 'created', Math.floor(Date.now() / 1000), 0, LAST_SECOND);
    const expiresS = integer(values, 'expires', createdS + DEFAULT_LIFETIME_S, 0, LAST_SECOND);
    const ids = splitKeyId(required(values, 'key-id'));
    const seed = required(values, 'key');
    const body = readAll();
    try {
      print(signMessage({ body, ...ids, seed, createdS, expiresS }));
    } catch (error) {
      throw new UsageError(`--key: ${(error as Error).message}`);
    }
    return 0;
  },
};
export default command;
