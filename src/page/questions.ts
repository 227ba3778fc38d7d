/** What the inspector asks of its worker, and what that answers. Answers bear the number of the source they speak of. */
import type { Role } from '../codec/index.ts';
import type { Format } from './input.ts';
import type { Fault, Frame, Row } from './recording.ts';

/** `connection` is the number of the one to read, where it is a HAR that holds several. */
export type Source =
  | { readonly kind: 'text'; readonly text: string; readonly format: Format; readonly connection: number }
  | { readonly kind: 'file'; readonly file: File; readonly connection: number }
  | { readonly kind: 'live' };

export type Question =
  | { readonly ask: 'open'; readonly number: number; readonly source: Source; readonly role: Role | 'guess' }
  | { readonly ask: 'append'; readonly type: 'send' | 'receive'; readonly data: string | ArrayBuffer }
  | { readonly ask: 'rows'; readonly from: number; readonly count: number }
  | { readonly ask: 'frame'; readonly index: number; readonly from: number | undefined }
  | { readonly ask: 'cancel' };

/** How far reading has come: in messages through a HAR, in bytes through all else. */
export interface Progress {
  readonly done: number;
  readonly of: number;
  readonly unit: 'byte' | 'message';
}

export interface Summary {
  readonly state: 'reading' | 'done' | 'cancelled';
  readonly progress: Progress;
  /** Bytes recorded, and bytes there are to be. */
  readonly read: number;
  readonly total: number;
  readonly frames: number;
  readonly messages: number;
  /** Where reading ended before the bytes did. */
  readonly stop: number | undefined;
  readonly fault: Fault | undefined;
  readonly role: Role | 'both';
  /** Addresses of a HAR's connections. */
  readonly connections: readonly string[];
}

export type Answer = { readonly number: number } & (
  | { readonly is: 'summary'; readonly summary: Summary }
  | { readonly is: 'rows'; readonly from: number; readonly rows: readonly Row[] }
  | { readonly is: 'frame'; readonly frame: Frame }
  | { readonly is: 'refused'; readonly message: string }
);
