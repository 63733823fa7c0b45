/** Types of columns, as the query builder reads and writes them. */
import type { ColumnType } from 'kysely';

export type Instant = ColumnType<Date, Date | string, Date | string>;
/** Written as text, read as what it holds. */
export type Json<T> = ColumnType<T, string, string>;
export type NullableText = ColumnType<string | null, string | null | undefined, string | null>;
