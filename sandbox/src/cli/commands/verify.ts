import { digestOf, signingString, verifyMessage } from '@flexder/protocol/beckn/signature.ts';
import { parseSignatureHeader } from '@flexder/protocol/beckn/signature-header.ts';
import { type Command, integer, print, required } from '../command.ts';
import { readAll } from '../input.ts';

const LAST_SECOND = 253_402_300_799;

const command: Command = {
  summary: 'Verifies a signature over the body on standard input and says why it fails',
  arguments: '--public-key B64 --header H < body',
  options: {
    'public-key': { type: 'string', value: 'BASE64', help: 'Ed25519 public key, raw 32 bytes or SPKI DER' },
    header: { type: 'string', value: 'TEXT', help: 'the value of Authorization' },
    now: { type: 'string', value: 'SECONDS', help: 'Unix time to judge created and expires by; the clock when absent' },
    skew: { type: 'string', value: 'SECONDS', help: 'how far in the future created may lie (5)' },
    'max-lifetime': { type: 'string', value: 'SECONDS', help: 'longest allowed expires - created (300)' },
  },
  async run(values) {
    const header = required(values, 'header');
    const publicKey = required(values, 'public-key');
    const nowS = integer(values, 'now', Math.floor(Date.now() / 1000), 0, LAST_SECOND);
    const skewS = integer(values, 'skew', 5, 0, 3600);
    const maxLifetimeS = integer(values, 'max-lifetime', 300, 1, 31_536_000);
    const body = readAll();
    const verdict = verifyMessage({ body, header, publicKey, nowS, skewS, maxLifetimeS });
    const parsed = parseSignatureHeader(header);
    const digest = digestOf(body);
    const shown = {
      verified: verdict.verified,
      reason: verdict.verified ? null : verdict.reason,
      detail: verdict.verified ? null : verdict.detail,
      digest,
      ...(parsed.ok && {
        signingString: signingString(parsed.parsed.createdS, parsed.parsed.expiresS, digest),
        keyId: `${parsed.parsed.subscriberId}|${parsed.parsed.keyId}|ed25519`,
        createdAgeSeconds: nowS - parsed.parsed.createdS,
        expiresInSeconds: parsed.parsed.expiresS - nowS,
      }),
    };
    print(JSON.stringify(shown));
    return verdict.verified ? 0 : 1;
  },
};
export default command;
