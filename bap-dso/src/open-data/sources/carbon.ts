/** National carbon intensity: forecast and outturn of Great Britain in half hours. No key. */
import { z } from 'zod';
import type { Reply, SourceFetch } from '../fetch.ts';
import { checkShape } from '../rows.ts';
import { minute } from './elexon.ts';

export interface CarbonSource {
  /** Half hours of `[fromMs, toMs)`, at most fourteen days; the first may begin before. */
  intensity(fromMs: number, toMs: number): Promise<{ rows: unknown[]; replies: Reply[] }>;
}

const answer = z.object({ data: z.array(z.unknown()) });

export function carbonSource(ask: SourceFetch): CarbonSource {
  return {
    async intensity(fromMs, toMs) {
      const reply = await ask(`intensity/${minute(fromMs)}/${minute(toMs)}`, {});
      return { rows: checkShape(answer, reply.body, 'carbon intensity').data, replies: [reply] };
    },
  };
}
