import { copyFileSync, existsSync, linkSync, mkdirSync } from 'node:fs';
import { chmod, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { filesIn } from './container.ts';

const FOLDER = 'archive';

/** Objects only: what a crash left half written is in a folder of its own. */
const objectsIn = (folder: string) => filesIn(folder).filter((path) => !path.startsWith('.tmp/'));

export function archiveIsEmpty(dataDir: string): boolean {
  return objectsIn(join(dataDir, FOLDER)).length === 0;
}

/** Puts the objects of a `file:` archive where they are packed. They never change, so a link is as good as a copy. */
export function stageArchive(dataDir: string, stage: string): number {
  const objects = objectsIn(join(dataDir, FOLDER));
  for (const path of objects) {
    const target = join(stage, FOLDER, path);
    mkdirSync(dirname(target), { recursive: true });
    try {
      linkSync(join(dataDir, FOLDER, path), target);
    } catch {
      copyFileSync(join(dataDir, FOLDER, path), target);
    }
  }
  return objects.length;
}

export async function restoreArchive(stage: string, dataDir: string): Promise<number> {
  const objects = filesIn(join(stage, FOLDER));
  for (const path of objects) {
    const target = join(dataDir, FOLDER, path);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(stage, FOLDER, path), target);
    await chmod(target, 0o444);
  }
  return objects.length;
}

export async function removeArchive(dataDir: string): Promise<void> {
  if (existsSync(join(dataDir, FOLDER))) await rm(join(dataDir, FOLDER), { recursive: true, force: true });
}
