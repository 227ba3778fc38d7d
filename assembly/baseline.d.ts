/** The compiled module as base64; made by inline.js. */
export declare const wasm: string;
