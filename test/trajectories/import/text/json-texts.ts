import fc from 'fast-check';

/** How a text of JSON is written down by others: with spaces, with everything beyond ASCII escaped, over many lines. */
const writers: ((value: unknown) => string)[] = [
  (value) => JSON.stringify(value),
  (value) => JSON.stringify(value, null, 2),
  (value) => JSON.stringify(value, null, '\t'),
  (value) => escaped(JSON.stringify(value)),
  (value) => escaped(spaced(value)),
  spaced,
  (value) => JSON.stringify(value).replaceAll('/', '\\/'),
];

/** As Python writes it. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}: ${spaced(item)}`)
    .join(', ')}}`;
}

const escaped = (text: string) =>
  text.replace(/[^\0-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0').toUpperCase()}`);

const numberForms = ['1.0', '-0', '0.10', '1e2', '1E-7', '0.0000001', '123456789012345678', '1e400', '-1.5e+3', '0.05'];

/** Words in which texts that look alike differ. */
export const hostileText = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('plain', 'two words', '中文题目', 'été') },
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom(
    'é',
    '\u00a05',
    '中文',
    '😀',
    '\ud83d',
    '\u2028',
    '\u007f',
    '\b\f\n\r\t\0\u001f',
    'a/b',
    '\\u0041',
    '',
    'l"été\\',
  ),
);

/** Text of JSON in many ways of writing, some with two equal keys, numbers in other forms, or a byte that is wrong. */
export const jsonText: fc.Arbitrary<string> = fc
  .record({
    value: fc.jsonValue({ stringUnit: 'grapheme', maxDepth: 4 }),
    name: hostileText,
    text: hostileText,
    number: fc.constantFrom(...numberForms),
    float: fc.double({ noNaN: true, noDefaultInfinity: true }),
    writer: fc.constantFrom(...writers),
    change: fc.constantFrom('none', 'none', 'none', 'twice', 'cut', 'bytes'),
    at: fc.nat(),
    byte: fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', '0', '.', '-', ' ', '\n', '\u0001', 'u', 't'),
  })
  .map(({ value, name, text, number, float, writer, change, at, byte }) => {
    let written = writer({ [name]: value, list: [text, float, { text: value, number: 'NUMBER' }], [text]: null });
    written = written.replace('"NUMBER"', number);
    if (change === 'twice') return written.replace('"list"', '"number"').replace('"text"', '"number"');
    const place = at % Math.max(1, written.length);
    if (change === 'cut') return written.slice(0, place);
    if (change === 'bytes') return written.slice(0, place) + byte + written.slice(place + 1);
    return written;
  });

export const jsonWriter = fc.constantFrom(...writers);
