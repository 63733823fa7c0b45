/** The small parts that the screens of both pages are made of: the DSO's and an aggregator's. */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { ProblemError } from './browser.ts';

type Children = { readonly children?: ComponentChildren };

/** `watch`: needs a look. */
export type Level = 'normal' | 'watch' | 'over' | 'unknown';

export interface Read<T> {
  /** What was read last; it stays while it is read again. */
  readonly data?: T;
  readonly problem?: ProblemError;
  readonly loading: boolean;
}

/** The signs that go with a colour: nothing is told by colour alone. */
const SIGNS: Readonly<Record<Level, string>> = { normal: '', watch: '◆', over: '▲', unknown: '?' };

export function Mark({ level, children }: Children & { readonly level: Level }) {
  if (level === 'normal') return <span>{children}</span>;
  return (
    <span class={`mark ${level}`}>
      <span aria-hidden="true">{SIGNS[level]} </span>
      {children}
    </span>
  );
}

/** Heading of a screen; reading begins here after a change of screen. */
export function Title({ children }: Children) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${heading.current?.textContent ?? ''} · FlexDER`;
  });
  return (
    <h1 ref={heading} id="title" tabIndex={-1}>
      {children}
    </h1>
  );
}

export function Panel({ title, note, id, children }: Children & { title: string; note?: string; id: string }) {
  return (
    <section class="panel" id={id} aria-labelledby={`${id}-heading`}>
      <h2 id={`${id}-heading`}>
        {title} {note && <small>{note}</small>}
      </h2>
      {children}
    </section>
  );
}

export function Note({ children }: Children) {
  return <span class="note">{children}</span>;
}

export function Facts({ of }: { readonly of: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What could not be read, in the service's words and what to do. */
export function Problem({ problem }: { readonly problem: ProblemError }) {
  const denied = problem.status === 401 || problem.status === 403;
  return (
    <p class="problem" role="alert">
      <Mark level="watch">{denied ? 'Not allowed' : problem.status === 0 ? 'Not reached' : 'Not read'}</Mark>:{' '}
      {problem.message} <small>({problem.code})</small>
    </p>
  );
}

/** The three states of what is read: on its way, failed, there. */
export function Reading<T>({ of, children }: { readonly of: Read<T>; readonly children: (data: T) => JSX.Element }) {
  const { data, problem, loading } = of;
  if (problem) return <Problem problem={problem} />;
  if (data !== undefined) return children(data);
  return loading ? (
    <p class="empty" role="status">
      Reading…
    </p>
  ) : null;
}

export function Raw({ of }: { readonly of: object }) {
  return (
    <details class="raw">
      <summary>Record</summary>
      <pre>{JSON.stringify(of, null, 2)}</pre>
    </details>
  );
}
