import type { OutputStream } from '../streams.js';
import { colourStyle, plainStyle, type Style } from './style.js';

export interface AppearanceFlags {
  color: boolean;
  quiet: boolean;
  json: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The style for a stream: marked on a terminal that can, unless someone said no (https://no-color.org). */
export function styleFor(stream: OutputStream, flags: Pick<AppearanceFlags, 'color'>, env: Environment): Style {
  return canDraw(stream, flags, env) ? colourStyle : plainStyle;
}

/** Whether live progress is drawn on this stream. */
export function isLive(stream: OutputStream, flags: AppearanceFlags, env: Environment): boolean {
  return canDraw(stream, flags, env) && !flags.quiet && !flags.json;
}

/** Columns for text that is wrapped: the terminal's, or what reads well in a log. */
export function textWidth(stream: OutputStream): number {
  return stream.isTTY ? Math.max(stream.columns ?? 80, 20) : 100;
}

export function hasUnicode(env: Environment, platform: NodeJS.Platform = process.platform): boolean {
  if (platform === 'win32') return env.WT_SESSION !== undefined;
  return /UTF-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || '');
}

function canDraw(stream: OutputStream, { color }: Pick<AppearanceFlags, 'color'>, env: Environment): boolean {
  return stream.isTTY === true && color && !env.NO_COLOR && env.TERM !== 'dumb';
}
