/** The known answers that tests of this room share. */
import { readFileSync } from 'node:fs';

export interface SignatureVector {
  readonly name: string;
  readonly seed: string;
  readonly privateKey64?: string;
  readonly publicKey: string;
  readonly subscriberId: string;
  readonly keyId: string;
  readonly createdS: number;
  readonly expiresS: number;
  readonly body?: string;
  readonly digest: string;
  readonly signingString: string;
  readonly signature: string;
  readonly header: string;
}

export interface ChallengeVector {
  readonly name: string;
  readonly registryPrivateKey: string;
  readonly registryPublicKey: string;
  readonly subscriberPrivateKey: string;
  readonly subscriberPublicKey: string;
  readonly subscriberPublicKeySpki: string;
  readonly plain: string;
  readonly challenge: string;
}

export const vectors = JSON.parse(
  readFileSync(new URL('../../../schemas/vectors/signature-v1.1.json', import.meta.url), 'utf8'),
) as { readonly signatures: readonly SignatureVector[]; readonly challenges: readonly ChallengeVector[] };
