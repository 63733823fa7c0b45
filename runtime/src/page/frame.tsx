/** What is the same around every screen of both pages. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { duration } from './format.ts';
import { Title } from './parts.tsx';
import { route } from './route.ts';

const toHeading = (): void => document.getElementById('title')?.focus();

/** A button: the address names the screen. */
export function SkipLink() {
  return (
    <button type="button" class="skip" onClick={toHeading}>
      Skip to content
    </button>
  );
}

/** A new screen begins at its heading, for the keyboard and for who listens; the first one at its top. */
export function useHeadingFocus(): void {
  const { screen, id } = route.value;
  const here = `${screen}/${id ?? ''}`;
  const before = useRef(here);
  useEffect(() => {
    if (before.current !== here) toHeading();
    before.current = here;
  }, [here]);
}

/** Always visible: whether devices are real, and whose page it is; then what the page adds. */
export function StripFrame(props: {
  readonly mode: 'LIVE' | 'SIMULATION' | undefined;
  /** Nothing is read before somebody has signed in. */
  readonly signedOut: boolean;
  readonly id: string;
  readonly name: string;
  readonly children: ComponentChildren;
}) {
  const mode = props.mode ?? (props.signedOut ? 'SIGNED OUT' : 'CONNECTING');
  return (
    <header class="strip">
      <p class={`mode ${props.mode?.toLowerCase() ?? 'unknown'}`} id="mode">
        {mode}
      </p>
      <p class="whose" id={props.id}>
        {props.name}
      </p>
      {props.children}
    </header>
  );
}

/** The state of the link in words; the sign goes with the colour. */
export function LinkState({ link, text }: { readonly link: 'connecting' | 'live' | 'offline'; readonly text: string }) {
  return (
    <p class={`age ${link}`} id="link" data-link={link} role="status">
      {link === 'offline' && <span aria-hidden="true">▲ </span>}
      {text}
    </p>
  );
}

/** Who looks; where nobody is signed in, whether they may look all the same. */
export function PersonMark(props: {
  readonly name: string | null;
  readonly role: string | null;
  readonly mayLook: boolean;
  readonly signOut: () => void;
}) {
  const { name, role, mayLook, signOut } = props;
  return (
    <p class="person">
      {name === null ? (
        <>
          <span>{mayLook ? 'looking only' : 'not signed in'}</span>
          <a href="#/sign-in">Sign in</a>
        </>
      ) : (
        <>
          <span>{`${name} · ${role}`}</span>
          <button type="button" onClick={signOut}>
            Sign out
          </button>
        </>
      )}
    </p>
  );
}

/** `silenceMs`: since when nothing was heard. */
export function OfflineBanner({ silenceMs }: { readonly silenceMs: number }) {
  return (
    <p class="banner over" id="offline" role="alert">
      <strong>▲ OFFLINE.</strong> What is shown is {duration(silenceMs)} old and does not move. This page tries again
      every two seconds.
    </p>
  );
}

/** The screens by name; `counts` is what waits on one, by its address. */
export function ScreenNav(props: {
  readonly screens: readonly (readonly [string, string])[];
  readonly counts?: Readonly<Record<string, number>>;
  /** The screen whose count asks for somebody. */
  readonly warnOf?: string;
  /** Beside the screens. */
  readonly children?: ComponentChildren;
}) {
  const { screens, counts = {}, warnOf } = props;
  return (
    <nav class="screens" aria-label="Screens">
      <ul>
        {screens.map(([screen, name]) => (
          <li key={screen}>
            <a href={`#/${screen}`} aria-current={route.value.screen === screen ? 'page' : undefined}>
              {name}
              {(counts[screen] ?? 0) > 0 && (
                <span class={screen === warnOf ? 'count warn' : 'count'}>{counts[screen]}</span>
              )}
            </a>
          </li>
        ))}
      </ul>
      {props.children}
    </nav>
  );
}

/** Instead of a screen: on its way, away, or not there. */
export function Waiting({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <div class="waiting">
      <Title>{title}</Title>
      {children}
    </div>
  );
}

export function NoScreen() {
  return (
    <Waiting title="There is no such screen">
      <p>
        <a href="#/">Back to the overview</a>
      </p>
    </Waiting>
  );
}
