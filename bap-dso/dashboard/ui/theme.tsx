import { chooseTheme, THEMES, type Theme, theme } from '@flexder/runtime/page/theme.ts';

const THEME_NAMES: Readonly<Record<Theme, string>> = { system: 'As the system', light: 'Light', dark: 'Dark' };

export function ThemeChoice() {
  return (
    <select
      class="theme"
      aria-label="Colours of this page"
      value={theme.value}
      onChange={(event) => chooseTheme(event.currentTarget.value)}
    >
      {THEMES.map((one) => (
        <option key={one} value={one}>
          {THEME_NAMES[one]}
        </option>
      ))}
    </select>
  );
}
