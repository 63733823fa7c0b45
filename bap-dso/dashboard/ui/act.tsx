/** What begins an action, and why one may not. */
import type { ComponentChildren } from 'preact';
import { type Selected, select } from '../state/action.ts';
import { whyNot } from '../state/store.ts';

/** Leads to the two steps of an action; who may not act sees it and why. */
export function Act({ children, ...action }: Selected & { readonly children?: ComponentChildren }) {
  const reason = whyNot.value;
  return (
    <button type="button" class="act" disabled={reason !== undefined} title={reason} onClick={() => select(action)}>
      {children}
    </button>
  );
}

/** Beside disabled buttons: a title is not read by everybody. */
export function WhyNot() {
  return whyNot.value === undefined ? null : <p class="why-not">{whyNot.value}</p>;
}
