import type { Command } from 'commander';
import type { CommandTraits, Work } from './session.js';

/** Runs a command's work with the flags that `command` was given. */
export type Run = (command: Command, work: Work, traits?: Partial<CommandTraits>) => Promise<void>;
