/**
 * Texts and the byte that makes each invalid (RFC 3629; the classes are those of Autobahn's section 6, the sequences our
 * own). A verdict is VALID, the offset of the first byte that no text can have there, or UNFINISHED.
 */
export const VALID = -1;
/** Every byte is good, and the text stops inside a character. */
export const UNFINISHED = -2;

export type Utf8Vector = readonly [title: string, hex: string, verdict: number];

export const TEXTS: readonly Utf8Vector[] = [
  // 6.1, 6.2, 6.5: valid text in several scripts.
  ['nothing', '', VALID],
  ['ASCII with controls', '00 09 0a 1b 41 7e 7f', VALID],
  ['Latin with accents', '4e c3 a4 68 65 20 c3 a9 c3 bf', VALID],
  ['Greek', 'ce ba e1 bd b9 cf 83 ce bc ce b5', VALID],
  ['Cyrillic', 'd0 9f d1 80 d0 b8 d0 b2 d0 b5 d1 82', VALID],
  ['Hebrew and Arabic', 'd7 a9 d7 9c d9 85 d8 b1 d8 ad', VALID],
  ['CJK', 'e6 bc a2 e5 ad 97 e3 81 8b ed 95 9c', VALID],
  ['emoji joined by U+200D', 'f0 9f 91 a9 e2 80 8d f0 9f 9a 80', VALID],
  ['all four lengths in turn', '61 c3 9f e2 82 ac f0 90 8d 88 61', VALID],
  ['a byte order mark', 'ef bb bf 61', VALID],

  // 6.3, 6.4: the first bad byte is found, and nothing behind it matters.
  ['a surrogate behind good text', 'ce ba 61 ed a0 80 62', 4],
  ['a bad byte before more bad bytes', '61 ff fe c0', 1],
  ['a bad last byte', '61 62 63 80', 3],

  // 6.6: prefixes of characters.
  ['1 byte of 2', 'c2', UNFINISHED],
  ['1 byte of 3', '61 e2', UNFINISHED],
  ['2 bytes of 3', 'e2 82', UNFINISHED],
  ['1 byte of 4', 'f0', UNFINISHED],
  ['2 bytes of 4', '61 f0 9f', UNFINISHED],
  ['3 bytes of 4', 'f4 8f bf', UNFINISHED],

  // 6.7: the first character of each length. 6.9: the last.
  ['U+0000', '00', VALID],
  ['U+0080', 'c2 80', VALID],
  ['U+0800', 'e0 a0 80', VALID],
  ['U+10000', 'f0 90 80 80', VALID],
  ['U+007F', '7f', VALID],
  ['U+07FF', 'df bf', VALID],
  ['U+FFFF', 'ef bf bf', VALID],
  ['U+10FFFF', 'f4 8f bf bf', VALID],

  // 6.8, 6.10: what four, five and six bytes would say beyond U+10FFFF.
  ['U+110000', 'f4 90 80 80', 1],
  ['U+13FFFF', 'f4 bf bf bf', 1],
  ['U+140000', 'f5 80 80 80', 0],
  ['U+1FFFFF', 'f7 bf bf bf', 0],
  ['the first of five bytes', 'f8 88 80 80 80', 0],
  ['the last of five bytes', 'fb bf bf bf bf', 0],
  ['the first of six bytes', 'fc 84 80 80 80 80', 0],
  ['the last of six bytes', 'fd bf bf bf bf bf', 0],

  // 6.11: around the gaps of the code space.
  ['U+D7FF', 'ed 9f bf', VALID],
  ['U+E000', 'ee 80 80', VALID],
  ['U+FFFD', 'ef bf bd', VALID],
  ['U+0FFF', 'e0 bf bf', VALID],
  ['U+1000', 'e1 80 80', VALID],
  ['U+CFFF', 'ec bf bf', VALID],
  ['U+D000', 'ed 80 80', VALID],
  ['U+3FFFF', 'f0 bf bf bf', VALID],
  ['U+40000', 'f1 80 80 80', VALID],
  ['U+FFFFF', 'f3 bf bf bf', VALID],
  ['U+100000', 'f4 80 80 80', VALID],

  // 6.12: continuation bytes that continue nothing.
  ['80 alone', '80', 0],
  ['bf alone', 'bf', 0],
  ['one too many behind 2 bytes', 'c3 a4 80', 2],
  ['one too many behind 3 bytes', 'e2 82 ac bf', 3],
  ['one too many behind 4 bytes', 'f0 9f 9a 80 80', 4],
  ['a run of them', '61 80 bf 80 bf 80 bf', 1],

  // 6.13: first bytes alone, a space behind each.
  ['c2 and a space', 'c2 20', 1],
  ['df and a space', 'df 20', 1],
  ['e0 and a space', 'e0 20', 1],
  ['ef and a space', 'ef 20', 1],
  ['f0 and a space', 'f0 20', 1],
  ['f4 and a space', 'f4 20', 1],

  // 6.14: the last byte missing. 6.15: such sequences one behind the other.
  ['3 bytes without the last, then ASCII', 'e2 82 61', 2],
  ['4 bytes without the last, then ASCII', 'f0 9f 9a 61', 3],
  ['4 bytes without the last two, then ASCII', 'f0 9f 61', 2],
  ['a first byte behind a first byte', 'c3 c3', 1],
  ['incomplete 2, 3 and 4 in a row', 'c3 e2 82 f0 9f 9a', 1],
  ['incomplete 3 before a whole 3', 'e2 82 e2 82 ac', 2],
  ['incomplete 4 before a whole 2', 'f0 9f 9a c3 a4', 3],

  // 6.16: bytes that no text has.
  ...['c0', 'c1', 'f5', 'f6', 'f8', 'fc', 'fe', 'ff'].map(byte => [`${byte}`, `61 ${byte} 80`, 1] as const),

  // 6.17, 6.18, 6.19: overlong: the first, the last and the solidus of each length.
  ['U+0000 in 2 bytes', 'c0 80', 0],
  ['the solidus in 2 bytes', 'c0 af', 0],
  ['U+007F in 2 bytes', 'c1 bf', 0],
  ['U+0000 in 3 bytes', 'e0 80 80', 1],
  ['the solidus in 3 bytes', 'e0 80 af', 1],
  ['U+07FF in 3 bytes', 'e0 9f bf', 1],
  ['U+0000 in 4 bytes', 'f0 80 80 80', 1],
  ['the solidus in 4 bytes', 'f0 80 80 af', 1],
  ['U+FFFF in 4 bytes', 'f0 8f bf bf', 1],

  // 6.20, 6.21: surrogates alone and in pairs.
  ['U+D800', 'ed a0 80', 1],
  ['U+DB7F', 'ed ad bf', 1],
  ['U+DBFF', 'ed af bf', 1],
  ['U+DC00', 'ed b0 80', 1],
  ['U+DFFF', 'ed bf bf', 1],
  ['U+D83D U+DE80 for U+1F680', 'ed a0 bd ed ba 80', 1],

  // 6.22, 6.23: noncharacters and the replacement character are characters.
  ['U+FFFE', 'ef bf be', VALID],
  ['U+FDD0 and U+FDEF', 'ef b7 90 ef b7 af', VALID],
  ['U+1FFFE and U+1FFFF', 'f0 9f bf be f0 9f bf bf', VALID],
  ['U+10FFFE', 'f4 8f bf be', VALID],
  ['U+FFFD twice', 'ef bf bd ef bf bd', VALID],
];
