import { beginTheme } from '@flexder/runtime/page/theme.ts';
import { render } from 'preact';
import { App } from './app.tsx';
import { begin } from './store.ts';

beginTheme();
begin();
render(<App />, document.getElementById('page')!);
