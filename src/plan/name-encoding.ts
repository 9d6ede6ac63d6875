import * as z from 'zod';

/** In which encodings names in archives may be, where the archive does not say so: by the names that recipes have for them. */
const ENCODINGS = [
  'utf-8',
  ...['cp437', 'cp850', 'cp852', 'cp866'],
  ...['cp932', 'euc-jp', 'gbk', 'gb18030', 'big5', 'euc-kr'],
  ...['koi8-r', 'koi8-u', 'macintosh', 'windows-874'],
  ...['windows-1250', 'windows-1251', 'windows-1252', 'windows-1253', 'windows-1254'],
  ...['windows-1255', 'windows-1256', 'windows-1257', 'windows-1258'],
  ...['iso-8859-2', 'iso-8859-3', 'iso-8859-4', 'iso-8859-5', 'iso-8859-6', 'iso-8859-7', 'iso-8859-8'],
  ...['iso-8859-10', 'iso-8859-13', 'iso-8859-14', 'iso-8859-15', 'iso-8859-16'],
] as const;

export type NameEncoding = (typeof ENCODINGS)[number];

/** Other names that people know the same encodings by, or one that has all that they have. */
const ALIASES = {
  utf8: 'utf-8',
  shift_jis: 'cp932',
  sjis: 'cp932',
  'windows-31j': 'cp932',
  cp936: 'gbk',
  cp949: 'euc-kr',
  cp950: 'big5',
  cp874: 'windows-874',
  cp1250: 'windows-1250',
  cp1251: 'windows-1251',
  cp1252: 'windows-1252',
  'iso-8859-1': 'windows-1252',
  latin1: 'windows-1252',
} as const satisfies Record<string, NameEncoding>;

type Alias = keyof typeof ALIASES;

/** As a recipe has it. */
export const nameEncoding = z.enum(ENCODINGS);

/** As a configuration has it. */
export const writtenEncoding = z.enum([...ENCODINGS, ...(Object.keys(ALIASES) as Alias[])]);

export function encodingOf(written: z.output<typeof writtenEncoding>): NameEncoding {
  return written in ALIASES ? ALIASES[written as Alias] : (written as NameEncoding);
}
