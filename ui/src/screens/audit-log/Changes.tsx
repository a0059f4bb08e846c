// What an entry changed, field by field: what was and what is now.
import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { ForeignText } from '../../parts/ForeignText';
import classes from './auditLog.module.css';
import { type FieldChange, isShort, lineDiff } from './changes';

export function Changes({ changes }: { changes: readonly FieldChange[] }) {
  return (
    <dl className={classes.changes}>
      {changes.map((change) => (
        <div key={change.field}>
          <dt>
            <ForeignText text={change.field} mono />
          </dt>
          <dd>{isShort(change) ? <Short change={change} /> : <Long change={change} />}</dd>
        </div>
      ))}
    </dl>
  );
}

function Short({ change: { before, after } }: { change: FieldChange }) {
  const { t } = useTranslation();
  return (
    <>
      {before !== null && (
        <del className={classes.removed}>
          <span className="visually-hidden">{t('auditLog.drawer.was')}: </span>
          <ForeignText text={before} mono />
        </del>
      )}
      {(after !== null || before === null) && (
        <ins className={classes.added}>
          <span className="visually-hidden">{t('auditLog.drawer.now')}: </span>
          {after === null ? t('auditLog.drawer.nothing') : <ForeignText text={after === '' ? '""' : after} mono />}
        </ins>
      )}
    </>
  );
}

const SIGNS = { same: ' ', removed: '−', added: '+' } as const;

function Long({ change: { field, before, after } }: { change: FieldChange }) {
  const { t } = useTranslation();
  const lines = lineDiff(before ?? '', after ?? '');
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div className={classes.diff} role="region" tabIndex={0} aria-label={t('auditLog.drawer.diff', { field })}>
      {lines.map(({ kind, text }, at) => (
        <div key={at} data-kind={kind} className={classes.line}>
          <span className={classes.sign}>
            <span aria-hidden>{SIGNS[kind]}</span>
            {kind !== 'same' && <span className="visually-hidden">{t(`auditLog.drawer.${kind}`)} </span>}
          </span>
          <bdi>{text}</bdi>
        </div>
      ))}
      {lines.length === 0 && <Text c="dimmed">{t('auditLog.drawer.nothing')}</Text>}
    </div>
  );
}
