import type { StepOf } from '../../../plan/index.js';

type SetStep = StepOf<'set'>;

export type SetFormat = NonNullable<SetStep['format']>;
export type SetValue = SetStep['values'][string];
