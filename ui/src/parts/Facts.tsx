// Names and values of one thing, beside each other; below each other where it is narrow.
import { Fragment, type ReactNode } from 'react';
import { CopyButton } from './CopyButton';
import { ForeignText } from './ForeignText';
import classes from './live.module.css';

export type Fact = { name: string; value: ReactNode };

/** What has no value (null, undefined, false) is left out. */
export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl className={classes.facts}>
      {facts
        .filter(({ value }) => value !== null && value !== undefined && value !== false && value !== '')
        .map(({ name, value }) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </Fragment>
        ))}
    </dl>
  );
}

export function IdWithCopy({ id, label }: { id: string; label: string }) {
  return (
    <span className={classes.id}>
      <ForeignText text={id} mono />
      <CopyButton text={id} label={label} />
    </span>
  );
}
