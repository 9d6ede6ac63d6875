const WIDTH = 8.4;
const HEIGHT = 19;
const MARGIN = 16;
/** Of what comes within this time, the last is shown. */
const FRAME_MS = 90;
const LAST_MS = 5000;

/**
 * Frames of a terminal as an SVG that moves: by CSS alone, in a loop, without scripts, so that it does in an `<img>` too. Each row
 * is a film of its own, whose pictures are beside each other, and which is moved where the row changes. Who wants no motion sees
 * the end.
 */
export function drawing({ frames, columns, rows, session }) {
  const slot = ({ at }) => Math.floor(at / FRAME_MS);
  const thinned = frames.filter((frame, i) => i === frames.length - 1 || slot(frames[i + 1]) > slot(frame));
  const total = thinned.at(-1).at + LAST_MS;
  const width = Math.round(columns * WIDTH + 2 * MARGIN);
  const height = rows * HEIGHT + 2 * MARGIN;
  const films = Array.from({ length: rows }, (_, row) => film({ frames: thinned, row, width, total }));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title">
<title id="title">A session with Prestage</title>
<desc>Typed: ${escaped(session.join('; '))}</desc>
<style>
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#e6e9ee;white-space:pre}
.b{font-weight:600}.d{fill:#a2abb9}
.c1,.c9{fill:#ff8a80}.c2,.c10{fill:#7fd6a0}.c3,.c11{fill:#e5c07b}.c4,.c12{fill:#8ab4ff}.c5,.c13{fill:#c9a6ff}.c6,.c14{fill:#7ad3e0}.c8{fill:#a2abb9}
g{animation:${total}ms step-end infinite}
${films.map(({ style }) => style).join('')}
@media (prefers-reduced-motion:reduce){g{animation:none}}
</style>
<rect width="${width}" height="${height}" rx="10" fill="#14171c" stroke="#59616f" stroke-opacity=".5"/>
${films.map(({ pictures }) => pictures).join('')}</svg>
`;
}

function film({ frames, row, width, total }) {
  const states = [];
  const moves = [];
  for (const { at, rows } of frames) {
    const picture = pictureOf(rows[row], row);
    let index = states.indexOf(picture);
    if (index < 0) index = states.push(picture) - 1;
    if (moves.at(-1)?.index !== index) moves.push({ at: moves.length === 0 ? 0 : at, index });
  }
  if (states.length === 1) return { style: '', pictures: states[0] && `${states[0]}\n` };
  const place = (index) => `transform:translate(${-index * width}px)`;
  const keys = moves.map(({ at, index }) => `${+((at / total) * 100).toFixed(2)}%{${place(index)}}`).join('');
  const pictures = states.map((picture, i) =>
    picture.replaceAll(/(?<= x=")[\d.]+/g, (x) => +(Number(x) + i * width).toFixed(1)),
  );
  return {
    style: `#r${row}{animation-name:k${row};${place(moves.at(-1).index)}}@keyframes k${row}{${keys}}\n`,
    pictures: `<g id="r${row}">${pictures.join('')}</g>\n`,
  };
}

function pictureOf(pieces, row) {
  const y = MARGIN + row * HEIGHT + 14;
  return pieces
    .map(({ x, style, text }) => {
      const indent = text.length - text.trimStart().length;
      const left = +(MARGIN + (x + indent) * WIDTH).toFixed(1);
      return `<text x="${left}" y="${y}"${style && ` class="${style}"`}>${escaped(text.trimStart())}</text>`;
    })
    .join('');
}

function escaped(text) {
  return text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);
}
