// Text that a stranger wrote: kept apart, so that right-to-left marks in it do not reorder what is around it.
import { Tooltip } from '@mantine/core';
import classes from './parts.module.css';

type Props = {
  text: string;
  /** One line, cut at the end; the whole text (up to 500 characters) in a tooltip. */
  line?: boolean;
  mono?: boolean;
};

export function ForeignText({ text, line = false, mono = false }: Props) {
  const cut = text.length > 500 ? `${text.slice(0, 500)}…` : text;
  const shown = (
    <bdi
      className={classes.foreign}
      dir="auto"
      data-line={line || undefined}
      style={mono ? { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: '0.9286em' } : undefined}
    >
      {line ? cut : text}
    </bdi>
  );
  if (!line || text.length < 24) return shown;
  return (
    <Tooltip label={<bdi dir="auto">{cut}</bdi>} multiline maw={480} styles={{ tooltip: { overflowWrap: 'anywhere' } }}>
      {shown}
    </Tooltip>
  );
}
