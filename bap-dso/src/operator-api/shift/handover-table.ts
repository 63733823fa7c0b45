import type { ColumnType, Generated } from 'kysely';

/** What a person left for the next shift; never changed. */
export interface ShiftNoteTable {
  note_id: Generated<number>;
  written_by: string;
  text: string;
  written_wall_at: ColumnType<Date, Date, Date>;
}
