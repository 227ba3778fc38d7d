/**
 * A fragment as the caller sees it. One that he may keep is an object of its own; one that is lent is the same object
 * each time, whose view is made only if its data are asked for, so that what is passed on costs nothing to hold.
 */
import { Pieces } from '../context/pieces.ts';
import { EMPTY, FragmentResult } from '../context/result.ts';
import { returned } from './failure.ts';
import { keep } from './message.ts';

export interface ReceivedFragment {
  /** The caller's buffer cut to what was read, or a copy that is the caller's to keep. Empty at a close. */
  readonly data: Uint8Array;
  readonly text: boolean;
  readonly final: boolean;
  readonly close: boolean;
}

export const CLOSE: ReceivedFragment = { data: EMPTY, text: false, final: true, close: true };

export class LentFragment implements ReceivedFragment {
  /** What a read told of it, and what stands for it where it is written. Its `bytes` are null when its time is over. */
  readonly place = new FragmentResult();
  readonly close = false;
  #data: Uint8Array | null = null;
  /** Resolved with this fragment, whatever it has become. */
  readonly ready: Promise<ReceivedFragment> = Promise.resolve(this);

  constructor() {
    this.place.lasting = this.place.viewless = true;
  }

  get data(): Uint8Array {
    return (this.#data ??= this.#look());
  }

  get text(): boolean {
    return this.place.utf8Encoded;
  }

  get final(): boolean {
    return this.place.finalFragment;
  }

  /** Becomes a copy of what is about to be overwritten. */
  copy(bytes: Uint8Array, at: number, length: number, text: boolean, final: boolean): void {
    const { place } = this;
    const pieces = Pieces.copyOf(bytes, at, length);
    place.finish(length, text, final, false);
    place.locate(pieces.bytes, 0, length, 0, pieces);
  }

  /** Gives the bytes back, unless somebody has looked at them. */
  end(): void {
    this.place.pieces?.giveBack();
    this.lose();
  }

  /** Lets go of bytes that are not its own. */
  lose(): void {
    this.place.bytes = this.place.pieces = this.#data = null;
  }

  #look(): Uint8Array {
    const { place } = this;
    place.keep();
    const { bytes, at, cbIO } = place;
    if (!bytes) throw returned();
    if (!place.pieces) return new Uint8Array(bytes.buffer, bytes.byteOffset + at, cbIO);
    const data = keep(bytes, at, cbIO, false);
    if (data.buffer === bytes.buffer) place.pieces = null;
    return data;
  }
}
