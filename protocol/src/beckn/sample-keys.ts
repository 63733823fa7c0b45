/** Private keys that anybody can look up: whoever uses one signs for everybody. */
import type { KeyMaterial } from './keys.ts';

/** Private halves, base64, of keys printed in specifications and in the vectors of this repository. */
const PUBLISHED = new Set([
  // BECKN-006, BAP and gateway.
  'lP3sHA+9gileOkXYJXh4Jg8tK0gEEMbf9yCPnFpbldg=',
  'hJ5sCmbe7s9Wateq6QAdBGloVSkLuLHWOXcRkzrMcVI=',
  // RFC 8032, section 7.1.
  'nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=',
  'TM0Imyj/ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U+4pvs=',
  'xaqN9D+fg3vtt0QvMdy3sWbThTUHbwlLhc46LgtEWPc=',
  '9eV2fPFTMZUXYw8iaHa4bIFgzFg7wBN0TGvyVfXMDuU=',
  'gz/mJAkje51i7HdYdSCRHpp1nOwdGXVbfakBuW3KPUI=',
  // RFC 7748, section 6.1.
  'dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=',
  'XasIfmJKikt54X+Lg4AO5m87sSkmGLb9HC+LJ/+I4Os=',
]);

/** Whether the private half is published, or plainly made up: one byte again and again, or bytes that count. */
export function isSampleKey(privateKey: string): boolean {
  const bytes = Buffer.from(privateKey, 'base64').subarray(0, 32);
  const steps = new Set(bytes.subarray(1).map((byte, index) => byte - (bytes[index] as number)));
  return steps.size <= 1 || PUBLISHED.has(bytes.toString('base64'));
}

/** Which of the two private keys is a sample, by its member; undefined when neither is. */
export function sampleKeyIn(
  keys: Pick<KeyMaterial, 'signingSeed' | 'encryptionPrivateKey'>,
): 'signingSeed' | 'encryptionPrivateKey' | undefined {
  return (['signingSeed', 'encryptionPrivateKey'] as const).find((member) => isSampleKey(keys[member]));
}
