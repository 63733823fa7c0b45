/** The browser as a page uses it beside its document: clock, timers, network and address. The only file that does. */
import { AnswerError } from '../http/answer-error.ts';

export const nowMs = (): number => Date.now();

export function every(ms: number, run: () => void): () => void {
  const id = setInterval(run, ms);
  return () => clearInterval(id);
}

/** What the service refused, in its own words; `status` 0 when it was not reached. */
export class ProblemError extends AnswerError {
  override name = 'ProblemError';
}

export interface Asked {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly body?: object;
  readonly csrf?: string | undefined;
  /** Who asks, where there is no session. */
  readonly bearer?: string | undefined;
  /** Statuses beside the good ones whose body is the answer. */
  readonly also?: readonly number[];
}

/** How long an answer is waited for: verifying a long chain takes longest. */
const ANSWER_MS = 60_000;

/** The JSON of an answer. Throws ProblemError. */
export async function ask<T>(path: string, { method = 'GET', body, csrf, bearer, also = [] }: Asked = {}): Promise<T> {
  const headers = {
    ...(body && { 'content-type': 'application/json' }),
    ...(csrf && { 'x-csrf-token': csrf }),
    ...(bearer && { authorization: `Bearer ${bearer}` }),
  };
  let response: Response;
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    response = await fetch(path, { method, headers, signal, ...(body && { body: JSON.stringify(body) }) });
  } catch {
    throw new ProblemError(0, 'OFFLINE', 'the service does not answer; nothing is known of what was asked');
  }
  const answer: unknown = response.status === 204 ? null : await response.json().catch(() => null);
  if (response.ok || also.includes(response.status)) return answer as T;
  const { code, message } = (answer as { error?: { code?: string; message?: string } } | null)?.error ?? {};
  throw new ProblemError(response.status, code ?? 'UNKNOWN', message ?? `the service answered ${response.status}`);
}

/** A stream of events that begins again by itself until `close`. */
export function listen(path: string, on: Readonly<Record<string, (data: string) => void>>, failed: () => void) {
  let source: EventSource | undefined;
  const open = () => {
    source = new EventSource(path);
    for (const [name, take] of Object.entries(on))
      source.addEventListener(name, (event) => take((event as MessageEvent<string>).data));
    source.addEventListener('error', failed);
  };
  open();
  // After an answer that is no stream a browser gives up; the page does not.
  const cancel = every(2_000, () => {
    if (source?.readyState === EventSource.CLOSED) open();
  });
  return {
    close() {
      cancel();
      source?.close();
    },
  };
}

/** What this browser keeps for the page, and null where it keeps nothing. */
export function kept(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** Forgotten where the browser keeps nothing. */
export function keep(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // A private window: it holds as long as the page is open.
  }
}

/** Whether it is on the clipboard now; browsers give it to secure pages alone. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Tells whether the system asks for dark, now and when it changes. */
export function onDark(run: (dark: boolean) => void): void {
  const asked = matchMedia('(prefers-color-scheme: dark)');
  asked.addEventListener('change', () => run(asked.matches));
  run(asked.matches);
}

export const setTheme = (name: string): void => {
  document.documentElement.dataset.theme = name;
};

export const hash = (): string => location.hash;
/** Leaves the page. */
export const leaveTo = (url: string): void => location.assign(url);
export const onHash = (run: () => void): void => addEventListener('hashchange', run);
export const goTo = (where: string): void => {
  location.hash = where;
};
