import { render } from 'preact';
import { App } from './app.tsx';
import { checkSession } from './state/session.ts';
import { begin } from './state/store.ts';

begin();
void checkSession();
render(<App />, document.getElementById('page')!);
