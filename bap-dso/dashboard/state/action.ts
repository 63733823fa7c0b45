/** Select before operate: what is about to be done by hand. One at a time, so that nobody confirms another thing. */
import { signal } from '@preact/signals';
import { askAs } from './session.ts';

export interface Selected {
  readonly kind: string;
  /** What it is, for its heading. */
  readonly title: string;
  readonly members: Readonly<Record<string, string>>;
  /** The person also says how many kW; what is proposed to them. */
  readonly kw?: number;
  /** The person also says when it ends; as it is now, grid time. */
  readonly window?: { readonly startMs: number; readonly endMs: number };
}

export interface Proposed {
  readonly actionId: string;
  readonly confirmToken: string;
  readonly expiresAt: string;
  readonly effect: Readonly<Record<string, unknown>> & { readonly says: string };
}

export const selected = signal<Selected | undefined>(undefined);

export const select = (action: Selected): void => {
  selected.value = action;
};

/** What the person says beside the reason. */
export interface Said {
  readonly kw: string | undefined;
  /** By how much it ends later; less than nothing when earlier. */
  readonly laterMs: number;
}

/** Throws ProblemError. */
export function propose({ kind, members, window }: Selected, reason: string, said: Said): Promise<Proposed> {
  const { kw, laterMs } = said;
  const span = window && {
    start_at: new Date(window.startMs).toISOString(),
    end_at: new Date(window.endMs + laterMs).toISOString(),
  };
  return askAs('/api/v1/actions', { kind, reason, ...members, ...span, ...(kw !== undefined && { kw }) });
}

/** Throws ProblemError. */
export function confirm({ actionId, confirmToken }: Proposed): Promise<object> {
  return askAs(`/api/v1/actions/${actionId}/confirm`, { token: confirmToken });
}
