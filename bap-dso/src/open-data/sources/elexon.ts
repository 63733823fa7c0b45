/** Elexon Insights: prices of the balancing mechanism and of the market. No key. */
import { z } from 'zod';
import type { Reply, SourceFetch } from '../fetch.ts';
import { checkShape } from '../rows.ts';

export interface ElexonSource {
  /** System prices of one London settlement date, `YYYY-MM-DD`. */
  systemPrices(date: string): Promise<{ rows: unknown[]; replies: Reply[] }>;
  /** Market index of the half hours that begin in `[fromMs, toMs)`, at most seven days. */
  marketIndex(fromMs: number, toMs: number): Promise<{ rows: unknown[]; replies: Reply[] }>;
}

const answer = z.object({ data: z.array(z.unknown()) });

export function elexonSource(ask: SourceFetch): ElexonSource {
  const read = async (path: string, query: Record<string, string>) => {
    const reply = await ask(path, { ...query, format: 'json' });
    return { rows: checkShape(answer, reply.body, path).data, replies: [reply] };
  };
  return {
    systemPrices: (date) => read(`balancing/settlement/system-prices/${date}`, {}),
    // Both ends are included there.
    marketIndex: (fromMs, toMs) =>
      read('balancing/pricing/market-index', { from: minute(fromMs), to: minute(toMs - 60_000) }),
  };
}

/** `YYYY-MM-DDThh:mmZ`. */
export function minute(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16)}Z`;
}
