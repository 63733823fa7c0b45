/** Which screen the address names. */
import { signal } from '@preact/signals';
import { parse, type Route } from './address.ts';
import { goTo, hash, onHash } from './browser.ts';

export const route = signal<Route>(parse(hash()));
export const open = goTo;

onHash(() => {
  route.value = parse(hash());
});
