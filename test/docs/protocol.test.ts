import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLOSE, ERRORS } from '../../src/broker/errors.ts';
import { type OptionValue, parseValue } from '../../src/options/option-value.ts';
import { OPTIONS, type Option, type OptionName } from '../../src/options/options.ts';
import { FrameDecoder } from '../../src/protocol/native/decode.ts';
import { FrameError } from '../../src/protocol/native/frame.ts';
import {
  DEFAULT_LIMITS,
  DURATION_MS_MAX,
  type FrameLimits,
  NAME_CHARACTERS_MAX,
  REF_CHARACTERS_MAX,
  TEXT_CHARACTERS_MAX,
  TOPIC_CHARACTERS_MAX,
} from '../../src/protocol/native/limits.ts';
import { field } from '../../src/protocol/native/members.ts';
import { BrokerProcess } from '../support/broker-process.ts';
import { codesIn, fencesOf, plain, type Section, sectionsOf, type Table } from './markdown.ts';
import { type Exchange, parseTranscript, playTranscript } from './transcript.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(fileURLToPath(new URL(path, root)), 'utf8');

const page = read('docs/protocol.md');
const sections = sectionsOf(page);
const transcripts = ['docs/protocol.md', 'README.md'].flatMap((file) =>
  fencesOf(read(file))
    .filter(({ info }) => info.split(' ')[0] === 'transcript')
    .map(({ info, lines, line }) => ({ where: `${file}:${line}`, info, lines })),
);

const section = (title: string): Section =>
  found(
    sections.find((each) => each.title === title && each.parent !== ''),
    title,
  );
const chapter = (title: string): Section =>
  found(
    sections.find((each) => each.title === title && each.parent === ''),
    title,
  );
const table = (of: Section, first: string): Table =>
  found(
    of.tables.find(({ header }) => header[0] === first),
    `${of.title}: ${first}`,
  );
const column = (of: Table | undefined, at = 0): string[] => (of?.rows ?? []).map((row) => plain(row[at] ?? ''));
const framesIn = (title: string): Section[] => sections.filter(({ parent }) => parent === title);

const clientFrames = framesIn('What a client sends');
const brokerFrames = framesIn('What the broker sends');
const commonFields = column(table(section('Every frame'), 'Field'));
const fieldsOf = (frame: Section): string[] => column(frame.tables.find(({ header }) => header[0] === 'Field'));
const later = table(chapter('Not supported yet'), 'Field or frame').rows.map(([name = '', where = '']) => ({
  name: plain(name),
  frame: plain(where),
}));

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`docs/protocol.md has no ${what}`);
  return value;
}

/** What the broker makes of one frame, as the codec sees it. */
function decode(frame: unknown): unknown {
  return new FrameDecoder(DEFAULT_LIMITS, (bytes, start, end) => Buffer.from(bytes).toString('latin1', start, end)).text(
    Buffer.from(JSON.stringify(frame)),
  )[0];
}

const fieldNames = Object.keys(field);
/** Any member is there, with a value that none can have: the codec says whether it knows the field before it looks at its value. */
const known = (frame: (name: string) => unknown): { allowed: string[]; unsupported: string[] } => {
  const verdicts = fieldNames.map((name) => ({ name, verdict: decode(frame(name)) }));
  const refused = (verdict: unknown): boolean => verdict instanceof FrameError && verdict.message.includes(' has no field ');
  const unsupported = (verdict: unknown): boolean => verdict instanceof FrameError && verdict.code === 'unsupported';
  return {
    allowed: verdicts.filter(({ verdict }) => !refused(verdict) && !unsupported(verdict)).map(({ name }) => name),
    unsupported: verdicts.filter(({ verdict }) => unsupported(verdict)).map(({ name }) => name),
  };
};

describe('the protocol page', () => {
  test('lists every error with what it means, and no others', () => {
    const listed = table(chapter('Errors'), 'Code').rows.map(([code = '', retryable, closes, meaning]) => [
      plain(code),
      { retryable: retryable === 'yes', ...(closes === '' ? {} : { closes: Number(closes) }), meaning },
    ]);
    expect(Object.fromEntries(listed)).toEqual(ERRORS);
    expect(listed).toHaveLength(Object.keys(ERRORS).length);
  });

  test('lists every close code, and no others', () => {
    expect(column(table(chapter('Closing'), 'Close code')).map(Number)).toEqual(Object.values(CLOSE));
  });

  test('closes after an error with a code of the close table', () => {
    const closes = column(table(chapter('Errors'), 'Code'), 2).filter((code) => code !== '');
    expect(column(table(chapter('Closing'), 'Close code'))).toEqual(expect.arrayContaining(closes));
  });

  test('has a section for every type of frame that a client may send, and no others', () => {
    const wrong = decode({ type: 'no such type' });
    const listed = wrong instanceof FrameError ? (wrong.message.split('one of ')[1]?.split(', ') ?? []) : [];
    const frames = later.filter(({ frame }) => frame === '').map(({ name }) => name);
    expect([...clientFrames.map(({ title }) => title), ...frames].toSorted()).toEqual(listed.toSorted());
  });

  test.each(clientFrames.map((frame) => ({ type: frame.title, frame })))(
    'lists the fields of $type, and no others',
    ({ type, frame }) => {
      const listed = [...commonFields, ...fieldsOf(frame)];
      expect(listed.toSorted()).toEqual(known((name) => ({ type, [name]: null })).allowed.toSorted());
    },
  );

  test('lists the fields of a message in messages, and no others', () => {
    const listed = fieldsOf(section('publish')).filter((name) => name !== 'messages');
    const { allowed } = known((name) => ({ type: 'publish', messages: [{ [name]: null }] }));
    expect(listed.toSorted()).toEqual(allowed.toSorted());
  });

  test('lists the fields that are not supported yet, and no others', () => {
    const fields = later.filter(({ frame }) => frame !== '');
    for (const type of new Set(fields.map(({ frame }) => frame))) {
      expect(known((name) => ({ type, [name]: null })).unsupported).toEqual(
        expect.arrayContaining(fields.filter(({ frame }) => frame === type).map(({ name }) => name)),
      );
    }
    expect(fields.map(({ name }) => name).toSorted()).toEqual(
      known((name) => ({ type: 'ping', [name]: null })).unsupported.toSorted(),
    );
  });

  test('leaves out no field that the codec knows', () => {
    const frames = table(chapter('Not supported yet'), 'Field or frame').rows.filter(([, where]) => where === '');
    const listed = [
      ...commonFields,
      ...clientFrames.flatMap(fieldsOf),
      ...later.map(({ name }) => name),
      ...frames.flatMap((row) => codesIn(row[2] ?? '')),
    ];
    expect(fieldNames.filter((name) => !listed.includes(name))).toEqual([]);
  });

  test('lists every notice that the broker sends, and no others', () => {
    const sent = [...read('src/server/native-session.ts').matchAll(/encodeNotice\('(\w+)'/g)].map(([, code]) => code);
    expect(column(table(section('notice'), 'Notice'))).toEqual(sent);
  });

  test('gives every limit the value that it has', () => {
    const rows = table(chapter('Limits'), 'What').rows;
    const amount = (text: string): string => text.replaceAll(/[ ,]/g, '');
    const byFlag = new Map(
      Object.values(OPTIONS).map((option) => [`--${option.flag}`, option as Option & { default: OptionValue }]),
    );
    const wrong = rows.filter(([, limit = '', flag = '']) => {
      const option = byFlag.get(plain(flag));
      if (option === undefined) return plain(flag) !== '' || !Object.values(DEFAULT_LIMITS).includes(Number(amount(limit)));
      const parsed = parseValue(option, amount(limit));
      return parsed.expected !== undefined || parsed.value !== option.default;
    });
    expect(wrong).toEqual([]);
    const flags = rows.map(([, , flag = '']) => plain(flag));
    const missing = (Object.keys(DEFAULT_LIMITS) as (keyof FrameLimits)[]).filter((name) => {
      const option = Object.hasOwn(OPTIONS, name) ? OPTIONS[name as OptionName] : undefined;
      return option === undefined
        ? !rows.some(([, limit = '']) => amount(limit) === String(DEFAULT_LIMITS[name]))
        : !flags.includes(`--${option.flag}`);
    });
    expect(missing).toEqual([]);
  });

  test('has the same default limits in the codec and in the options', () => {
    const options = Object.entries(DEFAULT_LIMITS).filter(([name]) => Object.hasOwn(OPTIONS, name));
    expect(options.map(([name]) => [name, OPTIONS[name as OptionName].default])).toEqual(options);
  });

  test('names the limits that the protocol itself sets', () => {
    const thousands = (value: number): string => value.toLocaleString('en-US');
    expect(plain(page)).toContain(`string of at most ${REF_CHARACTERS_MAX} characters`);
    expect(plain(page)).toContain(`then up to ${NAME_CHARACTERS_MAX - 1} letters`);
    expect(plain(page)).toContain(`at most ${TOPIC_CHARACTERS_MAX} characters`);
    expect(plain(page)).toContain(`string of at most ${thousands(TEXT_CHARACTERS_MAX)} bytes`);
    expect(plain(page)).toContain(`from 0 to ${thousands(DURATION_MS_MAX)} (366 days)`);
    expect(plain(page)).toContain(`array of 1 to ${thousands(DEFAULT_LIMITS.topicsMax)} topics`);
    expect(decode({ type: 'extend', id: '0194a1b0-6a5e-7c3e-9d5e-5f1d2c3b4a59', ms: DURATION_MS_MAX })).not.toBeInstanceOf(
      FrameError,
    );
    for (const [lease, fits] of [
      [999, false],
      [1000, true],
      [DURATION_MS_MAX, true],
    ] as const)
      expect([lease, decode({ type: 'declare', queue: 'q', lease }) instanceof FrameError]).toEqual([lease, !fits]);
    for (const steps of [16, 17])
      expect([steps, decode({ type: 'declare', queue: 'q', backoff: Array(steps).fill(1) }) instanceof FrameError]).toEqual([
        steps,
        steps > 16,
      ]);
    expect(decode({ type: 'subscribe' })).toMatchObject({ prefetch: 100 });
  });
});

/** Where a transcript does not depend on another one's messages it shares its broker, in a namespace of its own. */
const needsItsOwn = ({ info, lines }: { info: string; lines: readonly string[] }): boolean =>
  info.includes('token=') || lines.some((line) => line.startsWith('!'));

describe('the transcripts', () => {
  const shared = new BrokerProcess([], {});
  const exchanges: Exchange[] = [];
  beforeAll(() => shared.start());
  afterAll(() => shared.dispose());

  test.each(transcripts.map((transcript, index) => ({ ...transcript, index })))(
    'come true: $where',
    async ({ index, ...transcript }) => {
      const steps = parseTranscript(transcript.lines);
      if (!needsItsOwn(transcript)) {
        exchanges.push(...(await playTranscript(steps, shared, `t${index}-`)));
        return;
      }
      const token = /token=(\S+)/.exec(transcript.info)?.[1];
      const broker = new BrokerProcess([], token === undefined ? {} : { HOLDFAST_TOKEN: token });
      try {
        await broker.start();
        exchanges.push(...(await playTranscript(steps, broker)));
      } finally {
        await broker.dispose();
      }
    },
  );

  test('show every frame that the broker sends, with exactly the fields that the page lists', () => {
    const received = exchanges.flatMap((exchange) => exchange.received).filter(isFrame);
    const types = new Set(received.map(({ type }) => type));
    expect(brokerFrames.map(({ title }) => title).toSorted()).toEqual([...types].toSorted());
    for (const frame of brokerFrames) {
      if (frame.title === 'ok') continue;
      const shown = new Set(received.filter(({ type }) => type === frame.title).flatMap(membersOf));
      expect([frame.title, ...[...shown].filter((name) => !commonFields.includes(name)).toSorted()]).toEqual([
        frame.title,
        ...fieldsOf(frame).toSorted(),
      ]);
    }
  });

  test('show every frame that a client sends, and every field that an ok carries', () => {
    for (const frame of clientFrames) {
      const sent = exchanges.flatMap((exchange) => exchange.sent.filter(isFrame).filter(({ type }) => type === frame.title));
      expect([frame.title, sent.length]).not.toEqual([frame.title, 0]);
      const carried = new Set(
        exchanges.flatMap((exchange) => answersTo(exchange, frame.title)).flatMap((answer) => Object.keys(answer)),
      );
      const listed = column(frame.tables.find(({ header }) => header[0] === 'ok carries'));
      expect([frame.title, ...[...carried].filter((name) => !commonFields.includes(name)).toSorted()]).toEqual([
        frame.title,
        ...listed.toSorted(),
      ]);
    }
  });
});

interface Frame {
  readonly type: string;
  readonly ref?: string | number;
}

const isFrame = (value: unknown): value is Frame => typeof value === 'object' && value !== null && 'type' in value;

/** Names of a frame's members; those of `inbox`, `limits` and `server` with a dot. What a publisher made is not looked into. */
function membersOf(frame: Frame): string[] {
  const nested = frame.type === 'welcome' ? ['inbox', 'limits', 'server'] : [];
  // the body of a binary frame follows its line of JSON
  const binary = frame.type === 'message' && !('body' in frame) ? ['body'] : [];
  const members = Object.entries(frame).flatMap(([name, value]) =>
    nested.includes(name) ? Object.keys(value as object).map((inner) => `${name}.${inner}`) : [name],
  );
  return [...members, ...binary];
}

function answersTo({ sent, received }: Exchange, type: string): Frame[] {
  const refs = sent
    .filter(isFrame)
    .filter((frame) => frame.type === type && frame.ref !== undefined)
    .map(({ ref }) => ref);
  return received.filter(isFrame).filter((frame) => frame.type === 'ok' && refs.includes(frame.ref));
}
