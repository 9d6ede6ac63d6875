/** What environments differ in: their values and what they say of services, and one configuration out of it for each. */
export { type EnvironmentData, environmentData, unusedValues } from './environment-data.js';
export { EnvironmentValues, isMap } from './environment-values.js';
export { givenValues } from './given-values.js';
