/** What an aggregator sees of itself: what it has, what it sold, what it earned, and where it stands with the network. */
import { dateTime, duration } from '@flexder/runtime/page/format.ts';
import { Title } from '@flexder/runtime/page/parts.tsx';
import { route } from '@flexder/runtime/page/route.ts';
import { useEffect, useRef } from 'preact/hooks';
import type { Overview as State } from '../src/view/routes.ts';
import { Earnings } from './earnings.tsx';
import { Network } from './network.tsx';
import { OrderScreen, Orders } from './orders.tsx';
import { Overview } from './overview.tsx';
import { FeederScreen, Portfolio } from './portfolio.tsx';
import { SignIn } from './sign-in.tsx';
import { gridMs, isOld, overview, problem, silenceMs } from './store.ts';

const SCREENS = [
  ['', 'Overview'],
  ['portfolio', 'Portfolio'],
  ['orders', 'Orders'],
  ['earnings', 'Earnings'],
  ['network', 'Network'],
] as const;

export function App() {
  const { screen, id } = route.value;
  const here = `${screen}/${id ?? ''}`;
  const before = useRef(here);
  useEffect(() => {
    // A new screen begins at its heading, for the keyboard and for who listens.
    if (before.current !== here) document.getElementById('title')?.focus();
    before.current = here;
  }, [here]);
  const state = overview.value;
  const denied = problem.value?.status === 401 || problem.value?.status === 403;
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('title')?.focus()}>
        Skip to content
      </button>
      <Strip state={state} />
      {state && <Nav here={screen} />}
      {isOld.value && (
        <p class="banner over" id="offline" role="alert">
          <strong>▲ OFFLINE.</strong> What is shown is {duration(silenceMs.value ?? 0)} old and does not move. This page
          tries again every two seconds.
        </p>
      )}
      <main id="main">{state ? <Named state={state} /> : denied ? <SignIn /> : <Waiting />}</main>
    </>
  );
}

function Strip({ state }: { readonly state: State | undefined }) {
  const mode = state?.mode ?? 'CONNECTING';
  return (
    <header class="strip">
      <p class={`mode ${mode.toLowerCase()}`} id="mode">
        {mode}
      </p>
      <p class="dso" id="aggregator">
        {state?.aggregator.name ?? 'FlexDER aggregator'}
      </p>
      {state && (
        <p class="clock number">
          <time>{dateTime(gridMs.value)}</time>
        </p>
      )}
      <p class={`age ${isOld.value ? 'offline' : 'live'}`} id="link" role="status">
        {isOld.value ? `▲ OFFLINE: data ${duration(silenceMs.value ?? 0)} old` : state ? 'live' : 'connecting'}
      </p>
    </header>
  );
}

function Nav({ here }: { readonly here: string }) {
  return (
    <nav class="screens" aria-label="Screens">
      <ul>
        {SCREENS.map(([screen, name]) => (
          <li key={screen}>
            <a href={`#/${screen}`} aria-current={here === screen ? 'page' : undefined}>
              {name}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Named({ state }: { readonly state: State }) {
  const { screen, id } = route.value;
  if (screen === '') return <Overview state={state} />;
  if (screen === 'portfolio') return id ? <FeederScreen key={id} id={id} /> : <Portfolio state={state} />;
  if (screen === 'orders') return id ? <OrderScreen key={id} state={state} id={id} /> : <Orders state={state} />;
  if (screen === 'earnings') return <Earnings state={state} />;
  if (screen === 'network') return <Network state={state} />;
  return (
    <div class="waiting">
      <Title>There is no such screen</Title>
      <p>
        <a href="#/">Back to the overview</a>
      </p>
    </div>
  );
}

function Waiting() {
  const away = problem.value !== undefined;
  return (
    <div class="waiting">
      <Title>{away ? 'The aggregator does not answer' : 'Reading the state of the aggregator'}</Title>
      <p role="status">
        {away ? 'This page tries again every two seconds; look whether the service runs.' : 'One moment.'}
      </p>
    </div>
  );
}
