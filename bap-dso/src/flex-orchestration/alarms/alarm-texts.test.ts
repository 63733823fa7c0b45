import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ALARM_TEXTS } from './alarm-texts.ts';

it('every alarm that the page explains has its row in the runbook, and the other way round', () => {
  const runbook = readFileSync(join(import.meta.dirname, '../../../../docs/runbook.md'), 'utf8');
  const section = runbook.split('## ').find((text) => text.startsWith('Alarms of the DSO')) ?? '';
  const cells = [...section.matchAll(/^\| (`[^|]+) \|/gm)].map((row) => row[1] as string);
  const named = cells.flatMap((cell) => [...cell.matchAll(/`([a-z-]+)`/g)].map((name) => name[1] as string));
  expect(named).to.have.length.above(10);
  expect([...named].sort()).to.deep.equal(Object.keys(ALARM_TEXTS).sort());
});
