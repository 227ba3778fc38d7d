/** The door: every export, nothing else. */
export { decode } from "./decode";
export { encode, writeHeader } from "./encode";
export { maskCopy, unmask } from "./mask";
export { openDecoder } from "./memory";
export { unmaskText, validate } from "./utf8";
