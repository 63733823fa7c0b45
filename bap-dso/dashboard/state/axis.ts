/** What happened in an event on one axis of time: lanes of marks, and what of them a stretch of time shows. Pure. */
import type { Step } from '../../src/operator-api/events/steps.ts';

export type MarkKind = 'decision' | 'operator' | 'sent' | 'received' | 'failed' | 'commands' | 'answers';

/** Milliseconds after the detection, wall time. */
export interface Mark {
  readonly kind: MarkKind;
  readonly atMs: number;
  /** Of what takes time. */
  readonly untilMs: number;
  /** How many it stands for: devices, else 1. */
  readonly count: number;
  readonly text: string;
  /** The record of a message, by which it is opened. */
  readonly seq: number | null;
}

export interface Lane {
  readonly id: string;
  readonly name: string;
  readonly marks: readonly Mark[];
}

export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

const NO_EFFECT: ReadonlySet<string> = new Set([
  ...['beckn.undelivered', 'beckn.rejected', 'beckn.refused', 'beckn.quarantined', 'beckn.failed'],
]);

/** The DSO's own steps, its messages with each counterparty, and the devices, in this order. */
export function lanesOf(steps: readonly Step[], detectedMs: number): Lane[] {
  const own: Mark[] = [];
  const parties = new Map<string, Mark[]>();
  const devices: Mark[] = [];
  const answered = new Map<string, number>();
  for (const step of steps) {
    const { message, record } = step;
    const atMs = (message?.atMs ?? Date.parse(record.ts_utc)) - detectedMs;
    if (message) {
      const party = message.counterpartyId ?? '';
      const marks = parties.get(party) ?? [];
      parties.set(party, marks);
      marks.push(messageMark(step, atMs));
    } else if (step.answers) devices.push(...deviceMarks(step, atMs, detectedMs, answered));
    else own.push(at(atMs, record.actor_role === 'OPERATOR' ? 'operator' : 'decision', record.event_type));
  }
  const lanes = [...parties].map(([id, marks]) => ({ id: `with ${id}`, name: id || 'unknown sender', marks }));
  return [
    { id: 'own', name: 'DSO', marks: own },
    ...lanes.sort((a, b) => Number(a.name === 'unknown sender') - Number(b.name === 'unknown sender')),
    { id: 'devices', name: 'Devices', marks: devices },
  ];
}

const at = (atMs: number, kind: MarkKind, text: string): Mark => ({
  ...{ kind, atMs, untilMs: atMs, count: 1, text, seq: null },
});

function messageMark({ message, record }: Step, atMs: number): Mark {
  const failed = NO_EFFECT.has(record.event_type);
  const kind = failed ? 'failed' : message!.direction === 'out' ? 'sent' : 'received';
  const text = [message!.action, failed ? record.event_type : '', message!.signature.why].filter(Boolean).join(', ');
  return { ...at(atMs, kind, text), seq: record.seq };
}

/** The commands of an order once, and the answers that are new with this report. */
function deviceMarks(
  { answers, record }: Step,
  atMs: number,
  detectedMs: number,
  answered: Map<string, number>,
): Mark[] {
  const { commands, accepted, rejected, optedOut, expired, firstAtMs, lastAtMs } = answers!;
  const obpId = record.obp_id ?? '';
  const marks: Mark[] = [];
  if (!answered.has(obpId) && firstAtMs !== null) {
    const span = { atMs: firstAtMs - detectedMs, untilMs: (lastAtMs ?? firstAtMs) - detectedMs };
    marks.push({ ...at(atMs, 'commands', 'commands'), ...span, count: commands });
  }
  const sum = accepted + rejected + optedOut + expired;
  const fresh = sum - (answered.get(obpId) ?? 0);
  answered.set(obpId, Math.max(sum, answered.get(obpId) ?? 0));
  if (fresh > 0) marks.push({ ...at(atMs, 'answers', 'answers'), count: fresh });
  return marks;
}

/** All there is, with a little room on both sides. */
export function whole(lanes: readonly Lane[]): Stretch {
  const ends = lanes.flatMap(({ marks }) => marks.flatMap(({ atMs, untilMs }) => [atMs, untilMs]));
  const [first, last] = [Math.min(0, ...ends), Math.max(1_000, ...ends)];
  const room = (last - first) * 0.02;
  return { fromMs: first - room, toMs: last + room };
}

/** Marks of one kind that would lie on each other, as one. */
export interface Cluster {
  readonly kind: MarkKind;
  readonly marks: readonly Mark[];
  readonly count: number;
  /** Share of the stretch, 0 to 1. */
  readonly at: number;
  readonly until: number;
}

/** Marks nearer to each other than this share of what is shown are drawn as one. */
const NEAR = 1 / 80;

export function clusters(marks: readonly Mark[], { fromMs, toMs }: Stretch): Cluster[] {
  const share = (ms: number) => (ms - fromMs) / (toMs - fromMs);
  const shown = marks.filter(({ atMs, untilMs }) => untilMs >= fromMs && atMs <= toMs);
  const found: { kind: MarkKind; marks: Mark[]; count: number; at: number; until: number }[] = [];
  for (const mark of shown.toSorted((a, b) => a.atMs - b.atMs)) {
    const place = { at: Math.max(0, share(mark.atMs)), until: Math.min(1, share(mark.untilMs)) };
    const near = found.findLast(({ kind, at: first }) => kind === mark.kind && place.at - first < NEAR);
    if (near && mark.kind !== 'commands') {
      near.marks.push(mark);
      near.count += mark.count;
    } else found.push({ kind: mark.kind, marks: [mark], count: mark.count, ...place });
  }
  return found;
}

/** A stretch `by` times as long about `aboutMs`, within all there is and not below ten milliseconds. */
export function zoomed({ fromMs, toMs }: Stretch, by: number, aboutMs: number, all: Stretch): Stretch {
  const length = Math.min(Math.max((toMs - fromMs) * by, 10), all.toMs - all.fromMs);
  const share = (aboutMs - fromMs) / (toMs - fromMs);
  return within({ fromMs: aboutMs - length * share, toMs: aboutMs + length * (1 - share) }, all);
}

export function moved({ fromMs, toMs }: Stretch, byShare: number, all: Stretch): Stretch {
  const by = (toMs - fromMs) * byShare;
  return within({ fromMs: fromMs + by, toMs: toMs + by }, all);
}

function within({ fromMs, toMs }: Stretch, all: Stretch): Stretch {
  const length = toMs - fromMs;
  const first = Math.min(Math.max(fromMs, all.fromMs), all.toMs - length);
  return { fromMs: first, toMs: first + length };
}

/** Round instants, at most seven. */
export function ticksOf({ fromMs, toMs }: Stretch): number[] {
  const rough = (toMs - fromMs) / 6;
  const ten = 10 ** Math.floor(Math.log10(rough));
  const decimal = [1, 2, 5, 10].map((step) => step * ten).find((step) => step >= rough)!;
  const clock = [60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 43_200].map((s) => s * 1_000);
  const step = rough <= 50_000 ? decimal : (clock.find((one) => one >= rough) ?? 86_400_000);
  const first = Math.ceil(fromMs / step);
  return Array.from({ length: Math.floor(toMs / step) - first + 1 }, (_, index) => (first + index) * step);
}

/** To the millisecond: `+1.234 s`, `+2:03.456`, `−0.012 s`. */
export function offsetText(ms: number): string {
  const rounded = Math.round(Math.abs(ms));
  const sign = ms < 0 && rounded > 0 ? '−' : '+';
  const rest = (rounded % 60_000) / 1_000;
  const minutes = Math.floor(rounded / 60_000);
  if (minutes === 0) return `${sign}${rest.toFixed(3)} s`;
  const [hours, minute] = [Math.floor(minutes / 60), minutes % 60];
  const clock = hours > 0 ? `${hours}:${String(minute).padStart(2, '0')}` : String(minute);
  return `${sign}${clock}:${rest.toFixed(3).padStart(6, '0')}`;
}
