import { beginTheme } from '@flexder/runtime/page/theme.ts';
import { render } from 'preact';
import { App } from './app.tsx';
import { checkSession } from './state/session.ts';
import { begin } from './state/store.ts';

beginTheme();
begin();
void checkSession();
render(<App />, document.getElementById('page')!);
