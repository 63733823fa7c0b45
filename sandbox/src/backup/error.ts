/** What an operator can put right: shown as one sentence. */
export class BackupError extends Error {
  override name = 'BackupError';
}
