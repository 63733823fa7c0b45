/** Searches a person comes back to, by name; this browser keeps them, and each is a place of the page. */
import { keep, kept } from '@flexder/runtime/page/browser.ts';
import { signal } from '@preact/signals';

export interface Saved {
  readonly name: string;
  /** A screen with its query: `audit?feeder_id=F-1`. */
  readonly place: string;
}

/** More than a screen of links is not looked through. */
const MOST = 20;
export const NAME_LENGTH = 40;
const PLACE_LENGTH = 500;
const KEY = 'flexder-saved';

/** What can be read of what was kept: anybody at this browser may have changed it. Pure. */
export function parseSaved(text: string | null): readonly Saved[] {
  try {
    const list: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(list) ? list.filter(isSaved).slice(0, MOST) : [];
  } catch {
    return [];
  }
}

function isSaved(value: unknown): value is Saved {
  const { name, place } = (value ?? {}) as Record<string, unknown>;
  if (typeof name !== 'string' || typeof place !== 'string') return false;
  return name !== '' && name.length <= NAME_LENGTH && place !== '' && place.length <= PLACE_LENGTH;
}

/** In front of the others; one of the same name gives way, then the oldest. Pure. */
export function withSaved(list: readonly Saved[], one: Saved): readonly Saved[] {
  return [one, ...list.filter(({ name }) => name !== one.name)].filter(isSaved).slice(0, MOST);
}

export const saved = signal<readonly Saved[]>(parseSaved(kept(KEY)));

const set = (list: readonly Saved[]): void => {
  saved.value = list;
  keep(KEY, JSON.stringify(list));
};
export const save = (one: Saved): void => set(withSaved(saved.value, one));
export const forget = (name: string): void => set(saved.value.filter((one) => one.name !== name));
