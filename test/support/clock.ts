/**
 * A clock that a test moves: `performance.now` and the timers of this process, from `install` on. Nothing waits for real
 * time, so a timeout of ten seconds is tested in none.
 */
interface Timer {
  readonly at: number;
  readonly run: () => void;
  unref(): Timer;
  ref(): Timer;
}

export class Clock {
  time = 1000;
  #timers: Timer[] = [];

  /** Stops real time. */
  install(): void {
    performance.now = () => this.time;
    globalThis.setTimeout = ((run: () => void, wait = 0) => {
      const timer: Timer = { at: this.time + wait, run, unref: () => timer, ref: () => timer };
      this.#timers.push(timer);
      return timer;
    }) as unknown as typeof setTimeout;
    globalThis.clearTimeout = ((timer: Timer) => {
      this.#timers = this.#timers.filter(other => other !== timer);
    }) as unknown as typeof clearTimeout;
  }

  /**
   * The process is stopped for so long: when it goes on, every timer whose moment has passed comes first, late, and only
   * then what arrived meanwhile.
   */
  async stop(milliseconds: number): Promise<void> {
    this.time += milliseconds;
    this.#fire(this.time);
    await happen();
  }

  /** Every timer comes so much too early, as those do that count on another clock. */
  async hasten(milliseconds: number): Promise<void> {
    this.#fire(this.time + milliseconds);
    await happen();
  }

  /** Runs the timers whose moments are not behind `until`, but none that they set. */
  #fire(until: number): void {
    const due = this.#timers.filter(({ at }) => at <= until);
    this.#timers = this.#timers.filter(({ at }) => at > until);
    for (const { run } of due) run();
  }

  /** Moves on, and runs each timer at its own moment; what it leads to in memory happens before the next. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds;
    await happen();
    for (;;) {
      const first = this.#timers.reduce<Timer | undefined>(
        (one, other) => (one && one.at <= other.at ? one : other),
        undefined,
      );
      if (!first || first.at > end) break;
      this.#timers.splice(this.#timers.indexOf(first), 1);
      this.time = Math.max(this.time, first.at);
      first.run();
      await happen();
    }
    this.time = end;
    await happen();
  }
}

/** Lets happen what needs no time. */
async function happen(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await new Promise(resolve => setImmediate(resolve));
}
