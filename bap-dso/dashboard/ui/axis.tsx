/** Every message, command and decision of an event on one axis of time; the list below it says the same. */
import { Note } from '@flexder/runtime/page/parts.tsx';
import { Fragment } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import {
  type Cluster,
  clusters,
  type Lane,
  lanesOf,
  type MarkKind,
  moved,
  offsetText,
  type Stretch,
  ticksOf,
  whole,
  zoomed,
} from '../state/axis.ts';
import type { Steps } from '../state/steps.ts';

const CLOSER = 0.5;
const INSTANT_MS = 2;
/** A group that is pressed then fills this share of the picture. */
const GROUP_SHARE = 0.6;

interface AxisProps {
  readonly of: Steps;
  /** A message was pressed. */
  readonly open: (seq: number) => void;
}

export function Axis({ of, open }: AxisProps) {
  const lanes = lanesOf(of.steps, of.detectedMs);
  const all = whole(lanes);
  const [chosen, setChosen] = useState<Stretch>();
  const shown = chosen ?? all;
  const middleMs = (shown.fromMs + shown.toMs) / 2;
  const box = useRef<HTMLDivElement>(null);
  const pressed = ({ marks }: Cluster) => {
    const instants = marks.map(({ atMs }) => atMs);
    // What was at one instant no closer look tells apart.
    const first = marks.find(({ seq }) => seq !== null);
    if (first && Math.max(...instants) - Math.min(...instants) < INSTANT_MS) return open(first.seq!);
    if (marks.length > 1) setChosen(around(instants, all));
  };
  const latest = useRef(pressed);
  latest.current = pressed;
  const found = useRef(new Map<string, Cluster>());
  found.current = new Map();
  useEffect(() => {
    const press = (event: Event) => {
      const key = (event.target as Element).closest('[data-mark]')?.getAttribute('data-mark');
      const cluster = found.current.get(key ?? '');
      if (cluster) latest.current(cluster);
    };
    box.current!.addEventListener('click', press);
    return () => box.current?.removeEventListener('click', press);
  }, []);
  return (
    <figure class="axis">
      <div class="buttons">
        <button type="button" onClick={() => setChosen(zoomed(shown, CLOSER, middleMs, all))}>
          Zoom in
        </button>
        <button type="button" onClick={() => setChosen(zoomed(shown, 1 / CLOSER, middleMs, all))}>
          Zoom out
        </button>
        <button type="button" onClick={() => setChosen(moved(shown, -CLOSER, all))}>
          Earlier
        </button>
        <button type="button" onClick={() => setChosen(moved(shown, CLOSER, all))}>
          Later
        </button>
        <button type="button" onClick={() => setChosen(undefined)}>
          All
        </button>
        <Note>
          {offsetText(shown.fromMs)} to {offsetText(shown.toMs)} after the detection, wall time
        </Note>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard. */}
      <section class="lanes" tabIndex={0} aria-label="Time axis">
        <div ref={box} role="img" aria-label={sayOf(lanes)}>
          {lanes.map((lane) => (
            <LaneRow key={lane.id} lane={lane} shown={shown} found={found.current} />
          ))}
          <Ticks shown={shown} />
        </div>
      </section>
      <Key />
    </figure>
  );
}

function around(instants: readonly number[], all: Stretch): Stretch {
  const [first, last] = [Math.min(...instants), Math.max(...instants)];
  const length = Math.max(10, (last - first) / GROUP_SHARE);
  const middle = (first + last) / 2;
  return zoomed({ fromMs: middle - length / 2, toMs: middle + length / 2 }, 1, middle, all);
}

function sayOf(lanes: readonly Lane[]): string {
  const parts = lanes.map(({ name, marks }) => `${name} ${marks.length}`);
  return `Time axis from the detection on, marks by lane: ${parts.join(', ')}. The list below has each with its time.`;
}

interface LaneProps {
  readonly lane: Lane;
  readonly shown: Stretch;
  /** Where what is drawn is found again when it is pressed. */
  readonly found: Map<string, Cluster>;
}

function LaneRow({ lane, shown, found }: LaneProps) {
  const drawn = clusters(lane.marks, shown);
  return (
    <div class="lane">
      <span class="lane-name">{lane.name}</span>
      <svg class="lane-track" height={lane.id.startsWith('with ') ? 44 : 26} aria-hidden="true">
        <line class="lane-line" x1="0" x2="100%" y1="50%" y2="50%" />
        {drawn.map((cluster, index) => {
          const key = `${lane.id} ${index}`;
          found.set(key, cluster);
          return <Drawn key={key} name={key} cluster={cluster} two={lane.id.startsWith('with ')} />;
        })}
      </svg>
    </div>
  );
}

/** Shapes about their own middle: the kind is told by form, not by colour alone. */
const SHAPES: Readonly<Record<MarkKind, string>> = {
  decision: 'M-5 -5H5V5H-5Z',
  operator: 'M0 -7L7 0L0 7L-7 0Z',
  sent: 'M-5 -6L7 0L-5 6Z',
  received: 'M5 -6L-7 0L5 6Z',
  failed: 'M-5 -5L5 5M5 -5L-5 5',
  commands: 'M-2 -7H2V7H-2Z',
  answers: 'M-5 0A5 5 0 1 0 5 0A5 5 0 1 0 -5 0Z',
};

/** What goes out stands above the line of its lane, what comes in below it. */
function middleOf(kind: MarkKind, two: boolean): string {
  if (!two) return '50%';
  return kind === 'sent' ? '27%' : kind === 'received' ? '73%' : '50%';
}

function Drawn({ name, cluster, two }: { readonly name: string; readonly cluster: Cluster; readonly two: boolean }) {
  const { kind, marks, count, at, until } = cluster;
  const [first, last] = [marks[0]!, marks.at(-1)!];
  const text =
    marks.length === 1 ? first.text : `${marks.length}: ${[...new Set(marks.map((mark) => mark.text))].join(', ')}`;
  const when =
    last.atMs > first.atMs ? `${offsetText(first.atMs)} to ${offsetText(last.atMs)}` : offsetText(first.atMs);
  return (
    <svg x={percentOf(at)} y={middleOf(kind, two)} class={`axis-mark ${kind}`} data-mark={name}>
      <title>{`${when} ${text}${kind === 'commands' || kind === 'answers' ? ` (${count})` : ''}`}</title>
      {kind === 'commands' && <rect class="axis-bar" y={-3} height={6} width={percentOf(until - at)} />}
      <path d={SHAPES[kind]} />
      {count > 1 && (
        <text x={8} y={4}>
          {count.toLocaleString('en-GB')}
        </text>
      )}
      <rect class="axis-target" x={-10} y={-11} width={20} height={22} />
    </svg>
  );
}

const percentOf = (share: number): string => `${(100 * share).toFixed(3)}%`;

function Ticks({ shown }: { readonly shown: Stretch }) {
  const share = (ms: number) => (ms - shown.fromMs) / (shown.toMs - shown.fromMs);
  return (
    <div class="lane ticks">
      <span class="lane-name">after detection</span>
      <svg class="lane-track" height={20} aria-hidden="true">
        {ticksOf(shown).map((ms) => (
          <Fragment key={ms}>
            <line class="lane-line" x1={percentOf(share(ms))} x2={percentOf(share(ms))} y2={5} />
            <text class="tick" x={percentOf(share(ms))} y={17}>
              {tickText(ms)}
            </text>
          </Fragment>
        ))}
      </svg>
    </div>
  );
}

/** As exact as the instant is round. */
const tickText = (ms: number): string =>
  offsetText(ms)
    .replace(/\.?0+(?= s$)/, '')
    .replace(/\.000$/, '');

const KEYS: readonly (readonly [MarkKind, string])[] = [
  ['decision', 'decision or record of the DSO'],
  ['operator', 'by a person'],
  ['sent', 'sent'],
  ['received', 'received'],
  ['failed', 'refused, undelivered or of no effect'],
  ['commands', 'commands'],
  ['answers', 'answers of devices, when they were told'],
];

function Key() {
  return (
    <figcaption class="legend keys">
      {KEYS.map(([kind, words]) => (
        <span key={kind} class="axis-key">
          <svg width="18" height="18" viewBox="-9 -9 18 18" class={`axis-mark ${kind}`} aria-hidden="true">
            <path d={SHAPES[kind]} />
          </svg>
          {words}
        </span>
      ))}
      <span>A figure beside a mark: how many. Press a message to read it, a group to look closer.</span>
    </figcaption>
  );
}
