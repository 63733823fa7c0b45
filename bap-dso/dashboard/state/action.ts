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

/** Throws ProblemError. */
export function propose({ kind, members }: Selected, reason: string, kw: string | undefined): Promise<Proposed> {
  return askAs('/api/v1/actions', { kind, reason, ...members, ...(kw !== undefined && { kw }) });
}

/** Throws ProblemError. */
export function confirm({ actionId, confirmToken }: Proposed): Promise<object> {
  return askAs(`/api/v1/actions/${actionId}/confirm`, { token: confirmToken });
}
