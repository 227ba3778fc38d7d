/** A live connection that is watched: what a person sends over it and what comes back is handed on, message by message. */
import { find } from './elements.ts';
import { homeAddress } from './live.ts';
import { endingOf } from './words.ts';

export interface WatchEvents {
  /** A connection is being made: what was seen of another is past. */
  begin(): void;
  message(type: 'send' | 'receive', data: string | ArrayBuffer): void;
  /** How it stands with the connection, in words. */
  say(words: string): void;
  refuse(words: string): void;
}

export class Watch {
  readonly #events: WatchEvents;
  readonly #url = find('watch-url', HTMLInputElement);
  readonly #connect = find('watch-connect', HTMLButtonElement);
  readonly #message = find('watch-message', HTMLInputElement);
  readonly #send = find('watch-send', HTMLButtonElement);
  #socket: WebSocket | undefined;

  constructor(events: WatchEvents) {
    this.#events = events;
    this.#url.value = homeAddress();
    this.#connect.addEventListener('click', () => {
      if (!this.#socket) this.#open();
      else {
        this.close();
        events.say('Disconnected.');
      }
    });
  }

  /** Closes the connection, if there is one. */
  close(): void {
    const watched = this.#socket;
    this.#socket = undefined;
    watched?.close(1000);
    this.#connect.textContent = 'Connect';
    this.#message.disabled = this.#send.disabled = true;
  }

  /** Sends the message that was typed. */
  send(): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#events.message('send', this.#message.value);
    this.#socket.send(this.#message.value);
  }

  #open(): void {
    const url = this.#url.value;
    let watched: WebSocket;
    try {
      watched = new WebSocket(url);
    } catch {
      this.#events.refuse('This is not a ws: or wss: address.');
      return;
    }
    let opened = false;
    watched.binaryType = 'arraybuffer';
    this.#socket = watched;
    this.#events.begin();
    this.#connect.textContent = 'Disconnect';
    this.#events.say('Connecting…');
    watched.addEventListener('open', () => {
      if (this.#socket !== watched) return;
      opened = true;
      this.#message.disabled = this.#send.disabled = false;
      this.#events.say('Connected. Send something.');
      this.#message.focus();
    });
    watched.addEventListener('message', ({ data }) => {
      if (this.#socket === watched) this.#events.message('receive', data);
    });
    watched.addEventListener('close', event => {
      if (this.#socket !== watched) return;
      this.close();
      this.#events.say(endingOf(url, opened, event));
    });
  }
}
