/** Light or dark: as the system asks, or as a person chose on this browser. */
import { computed, effect, signal } from '@preact/signals';
import { keep, kept, onDark, setTheme } from './browser.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const NAME = 'flexder-theme';
const systemIsDark = signal(false);
export const theme = signal<Theme>(THEMES.find((one) => one === kept(NAME)) ?? 'system');
/** What is drawn on a canvas is drawn anew when it changes. */
export const shownTheme = computed(() =>
  theme.value === 'system' ? (systemIsDark.value ? 'dark' : 'light') : theme.value,
);

export function chooseTheme(name: string): void {
  const found = THEMES.find((one) => one === name);
  if (!found) return;
  theme.value = found;
  keep(NAME, found);
}

/** Before anything is drawn. */
export function beginTheme(): void {
  onDark((dark) => {
    systemIsDark.value = dark;
  });
  effect(() => setTheme(shownTheme.value));
}
