// Colours JSON: cuts it into pieces that React prints as text. What is not JSON comes out unchanged.
import type { ReactNode } from 'react';
import classes from './parts.module.css';

const TOKEN = /("(?:[^"\\\n]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;

export function colourJson(text: string): ReactNode[] {
  const pieces: ReactNode[] = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [whole, quoted, colon, digits] = match;
    if (match.index > end) pieces.push(text.slice(end, match.index));
    end = match.index + whole.length;
    const kind = quoted ? (colon ? classes.name : classes.string) : digits ? classes.number : classes.word;
    pieces.push(
      <span key={match.index} className={kind}>
        {quoted ?? whole}
      </span>,
    );
    if (colon) pieces.push(colon);
  }
  pieces.push(text.slice(end));
  return pieces;
}
