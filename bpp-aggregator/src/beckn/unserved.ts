import type { InboundMessage } from '@flexder/runtime/participant/types.ts';
import type { Work } from '../context.ts';
import { refuse } from './answer.ts';

/** Actions of Beckn that mean nothing for flexibility as it is sold here; the answer says so instead of silence. */
export function unserved(code: string, message: string) {
  return async (work: Work, request: InboundMessage): Promise<void> => {
    await refuse(work, request, { code, message });
  };
}
