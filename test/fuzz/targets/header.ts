import assert from 'node:assert/strict';
import {
  ALGORITHM,
  COVERAGE,
  formatSignatureHeader,
  parseSignatureHeader,
} from '@flexder/protocol/beckn/signature-header.ts';
import type { Target } from '../targets.ts';

const SIGNATURE = `${'A'.repeat(86)}==`;
const valid = (join: string) =>
  ['Signature keyId="bap-1|key-1|ed25519"', 'algorithm="ed25519"', 'created="1768435200"', 'expires="1768435230"']
    .concat(`headers="${COVERAGE}"`, `signature="${SIGNATURE}"`)
    .join(join);

/** The signature header: never a throw; what is taken has one meaning, and means the same when it is written again. */
export const header: Target = {
  corpus: [',', ', ', ' ,\t'].map((join) => Buffer.from(valid(join))),
  words: ['keyId="', 'signature="', 'created=', 'Signature ', `${ALGORITHM}|`, '|', 'headers="(created)"', '\\"'],
  feed(input) {
    const text = input.toString('latin1');
    const verdict = parseSignatureHeader(text);
    if (!verdict.ok) {
      assert.ok(verdict.detail.length > 0 && verdict.detail.length < 400, 'a refusal says why, in short');
      return false;
    }
    for (const name of ['keyId', 'algorithm', 'created', 'expires', 'headers', 'signature'])
      assert.equal(
        text.split(new RegExp(`(?:^[ \\t]*Signature|,)[ \\t]*${name}[ \\t]*=`, 'i')).length,
        2,
        `${name} stands once`,
      );
    const again = parseSignatureHeader(formatSignatureHeader(verdict.parsed));
    assert.deepEqual(again, verdict, 'written and read again it is the same');
    return true;
  },
};
