/** Moving about on a map: by pointer, by wheel, by keys and by buttons, within its bounds. */
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { fitted, moved, onScreen, type Point, type Size, type View, zoomed } from './geo.ts';
import type { Layout } from './layout.ts';

const STEP_PX = 80;
const STEP = 1.4;
/** A press that moves less is a choice, not a move. */
const CLICK_PX = 4;

export interface Navigation {
  readonly size: Size;
  readonly view: View;
  readonly zoomBy: (factor: number, at?: Point) => void;
  readonly fit: () => void;
  /** Brings a point of the layout to the middle, if it is out of sight. */
  readonly show: (point: Point) => void;
}

export interface Steering {
  /** Chosen by pointer, px of the screen. */
  readonly choose: (at: Point) => void;
  /** The next one by keyboard. */
  readonly step: (by: 1 | -1) => void;
}

export function useNavigation(box: RefObject<HTMLElement | null>, layout: Layout, steering: Steering): Navigation {
  const [size, setSize] = useState<Size>({ width: 800, height: 450 });
  const [held, setHeld] = useState<{ readonly view: View; readonly of: Layout }>();
  const { bounds, zoom } = layout;
  const view = held?.of === layout ? held.view : fitted(bounds, size, zoom);
  const change = (next: (view: View) => View) => setHeld({ view: next(view), of: layout });
  const zoomBy = (factor: number, at?: Point) => change((now) => moved(zoomed(now, factor, zoom, at), 0, 0, bounds));
  const fit = () => setHeld(undefined);
  const move = (x: number, y: number) => change((now) => moved(now, x, y, bounds));
  const show = (point: Point) => {
    const { x, y } = onScreen(point, view, size);
    if (x < 0 || y < 0 || x > size.width || y > size.height)
      change((now) => moved({ ...point, scale: now.scale }, 0, 0, bounds));
  };
  const hands = useRef<Hands>(undefined);
  hands.current = { move, zoomBy, fit, ...steering };
  useLayoutEffect(() => {
    const element = box.current!;
    const measure = () => setSize({ width: element.clientWidth, height: element.clientHeight });
    measure();
    const follow = new ResizeObserver(measure);
    follow.observe(element);
    return () => follow.disconnect();
  }, []);
  useEffect(() => listenTo(box.current!, () => hands.current!), []);
  return { size, view, zoomBy, fit, show };
}

interface Hands extends Steering {
  move(x: number, y: number): void;
  zoomBy(factor: number, at?: Point): void;
  fit(): void;
}

/** Until what is returned is called. The hands are asked for anew each time: they belong to one drawing. */
function listenTo(element: HTMLElement, hands: () => Hands): () => void {
  const ended = new AbortController();
  const { signal } = ended;
  let last: Point | undefined;
  let travelled = 0;
  element.addEventListener('keydown', (event) => runKey(event, hands()), { signal });
  element.addEventListener(
    'pointerdown',
    (event) => {
      last = { x: event.clientX, y: event.clientY };
      travelled = 0;
      element.setPointerCapture(event.pointerId);
    },
    { signal },
  );
  element.addEventListener(
    'pointermove',
    (event) => {
      if (!last) return;
      const [x, y] = [event.clientX - last.x, event.clientY - last.y];
      travelled += Math.abs(x) + Math.abs(y);
      last = { x: event.clientX, y: event.clientY };
      hands().move(-x, -y);
    },
    { signal },
  );
  element.addEventListener(
    'pointerup',
    (event) => {
      const box = element.getBoundingClientRect();
      if (last && travelled < CLICK_PX) hands().choose({ x: event.clientX - box.left, y: event.clientY - box.top });
      last = undefined;
    },
    { signal },
  );
  element.addEventListener(
    'pointercancel',
    () => {
      last = undefined;
    },
    { signal },
  );
  // The page scrolls over a map that nobody works with.
  element.addEventListener(
    'wheel',
    (event) => {
      if (!event.ctrlKey && document.activeElement !== element) return;
      event.preventDefault();
      const box = element.getBoundingClientRect();
      const at = { x: event.clientX - box.left - box.width / 2, y: event.clientY - box.top - box.height / 2 };
      hands().zoomBy(event.deltaY < 0 ? STEP : 1 / STEP, at);
    },
    { signal, passive: false },
  );
  return () => ended.abort();
}

const KEYS: Readonly<Record<string, (hands: Hands) => void>> = {
  ArrowLeft: ({ move }) => move(-STEP_PX, 0),
  ArrowRight: ({ move }) => move(STEP_PX, 0),
  ArrowUp: ({ move }) => move(0, -STEP_PX),
  ArrowDown: ({ move }) => move(0, STEP_PX),
  '+': ({ zoomBy }) => zoomBy(STEP),
  '=': ({ zoomBy }) => zoomBy(STEP),
  '-': ({ zoomBy }) => zoomBy(1 / STEP),
  '0': ({ fit }) => fit(),
  n: ({ step }) => step(1),
  p: ({ step }) => step(-1),
};

function runKey(event: KeyboardEvent, hands: Hands): void {
  const run = event.ctrlKey || event.metaKey || event.altKey ? undefined : KEYS[event.key];
  if (!run) return;
  event.preventDefault();
  run(hands);
}
