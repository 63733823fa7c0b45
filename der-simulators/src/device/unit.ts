import type { DeviceCommand } from '@flexder/schemas/types.ts';
import type { DerManifest } from '../model.ts';
import type { Physics } from '../physics/physics.ts';
import { effectiveSetpoint, type Temper } from './behaviour.ts';
import {
  type Answer,
  type Controlled,
  type ControlState,
  INITIAL_CONTROL,
  nextInstantMs,
  onCommand,
  onTime,
  onUnable,
} from './control.ts';

/** An answer with the grid instant at which it fell due. */
export interface DatedAnswer {
  readonly answer: Answer;
  readonly atMs: number;
}

/** Body and control of one device without any bus: commands and grid time in, answers out. */
export interface Unit {
  readonly physics: Physics;
  readonly dispatched: boolean;
  /** Runs to a grid instant; what fell due on the way is returned in order. */
  advance(toMs: number): DatedAnswer[];
  /** Reads a command at a grid instant (never before the last one). */
  read(command: DeviceCommand, nowMs: number): { answers: DatedAnswer[]; outcome: Controlled };
  /** When the unit next wants to be advanced; undefined while it holds nothing. */
  nextInstantMs(): number | undefined;
}

interface Effort {
  /** Power before the hold, from which a weak device moves only in part. */
  readonly beforeKw: number;
  readonly fromMs: number;
  readonly targetKw: number;
  /** End of the setpoint after the hold, when the device is bound to a random delay. */
  readonly lingersUntilMs: number | null;
}

export function createUnit(der: DerManifest, physics: Physics, temper: Temper): Unit {
  let control: ControlState = INITIAL_CONTROL;
  let effort: Effort | null = null;
  const delayMs = temper.randomDelayS * 1000;

  const setpointAt = (atMs: number): number | null => {
    if (!effort || control.hold?.failed) return null;
    const heldMs = atMs - effort.fromMs;
    return heldMs < delayMs ? null : effectiveSetpoint(temper, effort.targetKw, effort.beforeKw, heldMs / 1000);
  };

  /** Instants inside a hold at which the setpoint changes by itself. */
  const boundaries = (): number[] => {
    if (!effort) return [];
    return [effort.fromMs + delayMs, effort.fromMs + temper.stopsAfterS * 1000, effort.lingersUntilMs ?? effort.fromMs];
  };

  const follow = (next: ControlState, atMs: number) => {
    const before = control.hold;
    const hold = next.hold;
    control = next;
    if (hold && !hold.started) {
      effort = null;
    } else if (hold && (!before?.started || before.commandId !== hold.commandId)) {
      effort = {
        beforeKw: effort?.beforeKw ?? physics.powerKw,
        fromMs: atMs,
        targetKw: hold.targetKw,
        lingersUntilMs: null,
      };
    } else if (!hold && effort && effort.lingersUntilMs === null) {
      effort = delayMs > 0 ? { ...effort, lingersUntilMs: atMs + delayMs } : null;
    }
  };

  const settle = (outcome: Controlled, atMs: number): DatedAnswer[] => {
    follow(outcome.state, atMs);
    return outcome.answers.map((answer) => ({ answer, atMs }));
  };

  const advance = (toMs: number): DatedAnswer[] => {
    const answers: DatedAnswer[] = [];
    while (physics.atMs < toMs) {
      const marks = [toMs, nextInstantMs(control) ?? toMs, ...boundaries()].filter((at) => at > physics.atMs);
      const unable = physics.advance(Math.min(...marks), setpointAt(physics.atMs));
      if (effort?.lingersUntilMs != null && physics.atMs >= effort.lingersUntilMs) effort = null;
      if (unable) answers.push(...settle(onUnable(control, unable), physics.atMs));
      answers.push(...settle(onTime(control, physics.atMs), physics.atMs));
    }
    return answers;
  };

  return {
    physics,
    get dispatched() {
      return control.hold?.started === true && !control.hold.failed;
    },
    advance,
    read(command, nowMs) {
      const due = advance(nowMs);
      const outcome = onCommand(control, command, { der, temper, nowMs });
      return { answers: [...due, ...settle(outcome, nowMs)], outcome };
    },
    nextInstantMs: () => nextInstantMs(control),
  };
}
