/** Which screen the address names. */
import { signal } from '@preact/signals';
import { goTo, hash, onHash } from '../browser.ts';
import { parse, type Route } from './address.ts';

export const route = signal<Route>(parse(hash()));
export const open = goTo;

onHash(() => {
  route.value = parse(hash());
});
