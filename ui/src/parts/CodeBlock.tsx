// JSON, commands and bodies as text: scrolls in its own box, long ones are cut until somebody wants all.
import { Button } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../format';
import { CopyButton } from './CopyButton';
import { colourJson } from './colourJson';
import classes from './parts.module.css';

const CUT_AT = 20_000;
/** Beyond it colours cost more than they help. */
const COLOURED_UP_TO = 100_000;

type Props = {
  /** Its accessible name: "Payload". */
  label: string;
  language?: 'json' | 'text';
  wrap?: boolean;
} & ({ text: string } | { /** Printed as JSON. */ json: unknown });

export function CodeBlock(props: Props) {
  const { label, wrap = false } = props;
  const { t } = useTranslation();
  const format = useFormat();
  const [isWhole, setIsWhole] = useState(false);
  const isJson = 'json' in props || props.language === 'json';
  const source = 'json' in props ? props.json : props.text;
  const text = useMemo(
    () => (typeof source === 'string' && !('json' in props) ? source : (JSON.stringify(source, null, 2) ?? '')),
    [source, props],
  );
  const isLong = text.length > CUT_AT;
  const shown = isLong && !isWhole ? text.slice(0, CUT_AT) : text;
  return (
    <div className={classes.code}>
      <pre
        className={classes.codeText}
        dir="auto"
        data-wrap={wrap || undefined}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        role="region"
        aria-label={label}
      >
        {isJson && shown.length <= COLOURED_UP_TO ? colourJson(shown) : shown}
        {isLong && !isWhole && '…'}
      </pre>
      <div className={classes.codeCopy}>
        <CopyButton text={text} />
      </div>
      {isLong && (
        <div className={classes.codeMore}>
          <Button variant="subtle" size="compact-sm" onClick={() => setIsWhole(!isWhole)}>
            {isWhole
              ? t('common.showLess')
              : t('common.showAll', { size: format.bytes(new TextEncoder().encode(text).length) })}
          </Button>
        </div>
      )}
    </div>
  );
}
