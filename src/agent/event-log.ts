import { type FileHandle, open } from 'node:fs/promises';
import { errnoOf } from '../core/errors.js';
import type { Emit, PrestageEvent, TimedEvent } from '../core/events.js';
import { redacted } from '../core/redaction.js';

/**
 * Writes events to a file, without secrets, a line each, at an offset of its own: O_APPEND is not atomic on NFS, and there is one writer.
 * Events that come while a write is under way go out together with the next. A write that fails is repeated with the next
 * event, from the same offset: a full disk must not end the work, whose clean-up makes room again.
 */
export class EventLog {
  readonly #file: FileHandle;
  #offset = 0;
  #waiting: string[] = [];
  #writing: Promise<void> | undefined;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<EventLog> {
    return new EventLog(await open(path, 'wx', 0o644));
  }

  readonly emit: Emit = (event: PrestageEvent) => {
    const timed: TimedEvent = { ...redacted(event), time: new Date().toISOString() };
    this.#waiting.push(`${JSON.stringify(timed)}\n`);
    this.#writing ??= this.#write();
  };

  /** Waits until all events are in the file, as far as it takes them. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#write();
    await this.#file.sync().catch(() => {});
    await this.#file.close();
  }

  async #write(): Promise<void> {
    // One turn of the event loop later, so that a burst of events is one write.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      if (await this.#put(Buffer.from(lines.join('')))) continue;
      this.#waiting = [...lines, ...this.#waiting];
      break;
    }
    this.#writing = undefined;
  }

  async #put(bytes: Buffer): Promise<boolean> {
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, this.#offset + done);
        done += bytesWritten;
      }
    } catch {
      return false;
    }
    this.#offset += bytes.length;
    return true;
  }
}

/** Reads a file as it grows, by whole lines: each call gives those that are complete and were not given before. */
export class LineReader {
  readonly #path: string;
  #offset = 0;
  #file: FileHandle | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * At most `maxBytes` of lines, or one line if that is longer; empty where there is none, or no file. What another process
   * of this machine wrote is there at once, and costs nothing on a network file system while there is nothing new: the
   * file is open, and both see it by the same cache.
   */
  async next(maxBytes = Number.POSITIVE_INFINITY): Promise<Buffer> {
    this.#file ??= await openIfThere(this.#path);
    return this.#file === undefined ? Buffer.alloc(0) : this.#lines(this.#file, maxBytes);
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #lines(file: FileHandle, maxBytes: number): Promise<Buffer> {
    const { size } = await file.stat();
    const there = Math.max(0, size - this.#offset);
    const wanted = Math.min(there, maxBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(wanted), 0, wanted, this.#offset);
    const end = buffer.subarray(0, bytesRead).lastIndexOf(0x0a) + 1;
    if (end === 0 && wanted < there) return this.#lines(file, 2 * maxBytes);
    this.#offset += end;
    return buffer.subarray(0, end);
  }
}

/** Reads an event log as it grows: each call gives the events that are complete and were not given before. */
export class EventReader {
  readonly #lines: LineReader;

  constructor(path: string) {
    this.#lines = new LineReader(path);
  }

  async next(): Promise<TimedEvent[]> {
    return parseEvents((await this.#lines.next()).toString());
  }

  /** Asks the file system again at the next call: an open is what sees whatever any client of an NFS wrote and closed. */
  close(): Promise<void> {
    return this.#lines.close();
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** A line that is no event is left out: a log that was damaged must not hide how the run ended. */
export function parseEvents(lines: string): TimedEvent[] {
  return lines.split('\n').flatMap(parseEvent);
}

function parseEvent(line: string): TimedEvent[] {
  try {
    const event: unknown = JSON.parse(line);
    return typeof event === 'object' && event !== null && 'type' in event ? [event as TimedEvent] : [];
  } catch {
    return [];
  }
}
