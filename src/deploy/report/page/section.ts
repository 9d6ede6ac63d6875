import type { Html } from './html.js';

/** A part of the page with a heading of its own, that the list of contents leads to. */
export interface Section {
  id: string;
  title: string;
  content: Html;
}
