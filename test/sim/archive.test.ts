import { archiveConformance } from '@flexder/runtime/engines/archive/conformance.ts';
import type { Archive } from '@flexder/runtime/engines/archive/port.ts';
import { memoryArchive } from './archive.ts';

describe('the archive of a simulation', () => {
  let archive: Archive;
  archiveConformance(
    async () => {
      archive = memoryArchive();
      return archive;
    },
    async () => archive,
  );
});
