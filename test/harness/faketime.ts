/** A wrong clock for one process: libfaketime, told through a file what to add to its wall time while it runs. */
import { execFileSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needsEngine, programPath, testFolder } from '@flexder/runtime/testing/engine.ts';

export const needsFaketime = needsEngine('libfaketime', 'faketime');

export interface WrongClock {
  /** For the environment of the process. */
  readonly variables: Record<string, string>;
  /** From the next look at its clock on, the process is this much ahead of true time; monotonic time is left alone. */
  set(aheadS: number): void;
}

export function wrongClock(): WrongClock {
  const file = join(testFolder('faketime'), 'ahead');
  // The program knows where its library is.
  const library = execFileSync(programPath('faketime')!, ['-m', '-f', '+0s', 'printenv', 'LD_PRELOAD'], {
    encoding: 'utf8',
  });
  const clock: WrongClock = {
    variables: {
      LD_PRELOAD: library.trim(),
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    },
    set(aheadS) {
      // In one go: a half-written number is another time.
      writeFileSync(`${file}.new`, `${aheadS < 0 ? '' : '+'}${aheadS}\n`);
      renameSync(`${file}.new`, file);
    },
  };
  clock.set(0);
  return clock;
}
