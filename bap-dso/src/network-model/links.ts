/** Links between places: every feeder is fed, wholly, and nothing feeds itself. */
import { groupBy } from './group.ts';
import { SHARE_TOLERANCE } from './limits.ts';
import type { Problems } from './problems.ts';
import { FEEDERS, LINKS, type NetworkRows } from './tables.ts';

export function checkLinks(
  { feeders, links }: NetworkRows,
  feederIds: ReadonlySet<string>,
  gspIds: ReadonlySet<string>,
  problems: Problems,
): void {
  const file = LINKS.file;
  const seen = new Set<string>();
  const shares = new Map<string, number>();
  for (const { from_id, to_id, share, line } of links) {
    if (!feederIds.has(from_id) && !gspIds.has(from_id))
      problems.add({ file, line, column: 'from_id', text: `${from_id} is neither a GSP nor a feeder` });
    if (!feederIds.has(to_id))
      problems.add({ file, line, column: 'to_id', text: `${to_id} is no feeder of ${FEEDERS.file}` });
    const key = `${from_id} ${to_id}`;
    if (seen.has(key)) problems.add({ file, line, text: `${from_id} to ${to_id} stands twice` });
    seen.add(key);
    shares.set(to_id, (shares.get(to_id) ?? 0) + share);
  }
  for (const { feeder_id, line } of feeders) {
    const share = shares.get(feeder_id) ?? 0;
    if (Math.abs(share - 1) <= SHARE_TOLERANCE) continue;
    const text = share === 0 ? 'nothing feeds it' : `the shares of its links add up to ${round(share)}, not to 1`;
    problems.add({ file: FEEDERS.file, line, column: 'feeder_id', text: `${feeder_id}: ${text} (${file})` });
  }
  const cycle = cycleIn(links);
  if (cycle) problems.add({ file, text: `links go in a circle: ${cycle.join(' → ')}` });
}

/** The names on one circle, the first again at the end; undefined when there is none. */
export function cycleIn(links: readonly { readonly from_id: string; readonly to_id: string }[]): string[] | undefined {
  const next = groupBy(links, (link) => link.from_id);
  const done = new Set<string>();
  for (const start of next.keys()) {
    // Depth first without recursion: a chain of feeders may be as long as the file.
    const path: string[] = [];
    const onPath = new Set<string>();
    const stack: { readonly id: string; at: number }[] = [];
    const enter = (id: string) => {
      stack.push({ id, at: 0 });
      path.push(id);
      onPath.add(id);
    };
    if (!done.has(start)) enter(start);
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const link = next.get(top.id)?.[top.at++];
      if (!link) {
        done.add(top.id);
        onPath.delete(top.id);
        path.pop();
        stack.pop();
      } else if (onPath.has(link.to_id)) return [...path.slice(path.indexOf(link.to_id)), link.to_id];
      else if (!done.has(link.to_id)) enter(link.to_id);
    }
  }
  return undefined;
}

function round(share: number): number {
  return Math.round(share * 1_000) / 1_000;
}
