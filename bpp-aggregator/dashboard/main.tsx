import { render } from 'preact';
import { App } from './app.tsx';
import { begin } from './store.ts';

begin();
render(<App />, document.getElementById('page')!);
