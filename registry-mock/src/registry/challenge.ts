import { timingSafeEqual } from 'node:crypto';
import { encryptChallenge } from '@flexder/protocol/beckn/challenge.ts';
import type { Context } from '@flexder/runtime/context.ts';
import type { ParticipantKeys } from '@flexder/runtime/participant/types.ts';
import { CHALLENGE_ANSWER_BYTES, CHALLENGE_TIMEOUT_MS } from '../limits.ts';
import type { Application } from './application.ts';

export type ChallengeResult = { readonly solved: true } | { readonly solved: false; readonly why: string };

/**
 * Proves that who asks holds the encryption key and answers at the address: a random text, encrypted for that key,
 * has to come back in the clear.
 */
export async function challenge(
  context: Pick<Context, 'http' | 'ids'>,
  keys: ParticipantKeys,
  application: Application,
  profile: 'strict' | 'sandbox',
): Promise<ChallengeResult> {
  const plain = Buffer.from(context.ids.secret(24)).toString('base64url');
  try {
    const response = await context.http.request(`${application.url}/on_subscribe`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        subscriber_id: application.subscriber_id,
        status: 'UNDER_SUBSCRIPTION',
        challenge: encryptChallenge(plain, keys.encryptionPrivateKey, application.encr_public_key),
      }),
      timeoutMs: CHALLENGE_TIMEOUT_MS,
      maxResponseBytes: CHALLENGE_ANSWER_BYTES,
      allow: { profile, sandboxOrigins: new Set([new URL(application.url).origin]) },
    });
    if (response.status !== 200) return { solved: false, why: `the answer was ${response.status}` };
    return isAnswer(response.body, plain) ? { solved: true } : { solved: false, why: 'the answer was wrong' };
  } catch (error) {
    return { solved: false, why: (error as Error).message };
  }
}

function isAnswer(body: Uint8Array, plain: string): boolean {
  try {
    const { answer } = JSON.parse(Buffer.from(body).toString('utf8')) as { answer?: unknown };
    if (typeof answer !== 'string') return false;
    const [given, expected] = [Buffer.from(answer), Buffer.from(plain)];
    return given.length === expected.length && timingSafeEqual(given, expected);
  } catch {
    return false;
  }
}
