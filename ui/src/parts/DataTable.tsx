// A list: a table on wide screens, cards on narrow ones; skeleton while it loads, next step when it is empty, pages.
import { Skeleton } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { DataCards } from './DataCards';
import { Pager, type PagerProps } from './Pager';
import { ProblemAlert } from './ProblemAlert';
import classes from './parts.module.css';

export type Column<Row> = {
  key: string;
  header: string;
  render: (row: Row) => ReactNode;
  align?: 'end';
  /** CSS width, such as `30%` or `8rem`. */
  width?: string;
  /** On a card: its first line, a sign beside that (such as a badge), a labelled line (unless said), or not at all. */
  card?: 'title' | 'corner' | 'line' | 'hidden';
};

export type DataTableProps<Row> = {
  /** Accessible name of the table. */
  label: string;
  columns: readonly Column<Row>[];
  /** Undefined while the first answer is awaited. */
  rows: readonly Row[] | undefined;
  rowKey: (row: Row) => string;
  error?: unknown;
  onRetry?: () => void;
  empty: ReactNode;
  /** Makes rows open something: by mouse anywhere, by keyboard on the column whose `card` is `title` (else the first). */
  onOpen?: (row: Row) => void;
  selectedKey?: string | null;
  pager?: PagerProps;
};

const SKELETON_ROWS = ['a', 'b', 'c', 'd', 'e', 'f'];

export function DataTable<Row>(props: DataTableProps<Row>) {
  const { rows, error, onRetry, empty, pager } = props;
  const isNarrow = useMediaQuery('(max-width: 48em)', window.innerWidth <= 768, { getInitialValueInEffect: false });
  const isEmpty = rows?.length === 0;
  if (error && rows === undefined) return <ProblemAlert error={error} onRetry={onRetry} />;
  return (
    <div className={classes.box}>
      {error ? <ProblemAlert error={error} onRetry={onRetry} /> : null}
      {isEmpty && (pager === undefined || pager.page === 1) ? (
        empty
      ) : isNarrow ? (
        <DataCards {...props} />
      ) : (
        <WideTable {...props} />
      )}
      {pager && rows !== undefined && <Pager {...pager} />}
    </div>
  );
}

function WideTable<Row>({ label, columns, rows, rowKey, onOpen, selectedKey }: DataTableProps<Row>) {
  const { t } = useTranslation();
  const titleKey = titleColumn(columns)?.key;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className={classes.scroll} tabIndex={0} aria-label={label}>
      <table className={classes.table} aria-label={label} aria-busy={rows === undefined}>
        <thead>
          <tr>
            {columns.map(({ key, header, align, width }) => (
              <th key={key} scope="col" data-align={align} style={{ width }}>
                {header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows === undefined
            ? SKELETON_ROWS.map((row) => (
                <tr key={row}>
                  {columns.map(({ key }, at) => (
                    <td key={key}>
                      <Skeleton height={12} my={4} width={at === 0 ? '70%' : '45%'} radius="sm" />
                      {at === 0 && row === 'a' && <span className="visually-hidden">{t('common.loading')}</span>}
                    </td>
                  ))}
                </tr>
              ))
            : rows.map((row) => (
                // the click is the mouse's short cut: the button in the row is for keys
                <tr
                  key={rowKey(row)}
                  className={classes.row}
                  data-opens={onOpen ? true : undefined}
                  data-selected={selectedKey === rowKey(row) || undefined}
                  onClick={onOpen && ((click) => !isOnControl(click.target) && onOpen(row))}
                >
                  {columns.map(({ key, render, align }) => (
                    <td key={key} data-align={align}>
                      {onOpen && key === titleKey ? (
                        <Opener open={() => onOpen(row)}>{render(row)}</Opener>
                      ) : (
                        render(row)
                      )}
                    </td>
                  ))}
                </tr>
              ))}
        </tbody>
      </table>
    </section>
  );
}

export function titleColumn<Row>(columns: readonly Column<Row>[]): Column<Row> | undefined {
  return columns.find(({ card }) => card === 'title') ?? columns[0];
}

/** The button by which keys open a row. */
export function Opener({ open, children }: { open: () => void; children: ReactNode }) {
  return (
    <button type="button" className={classes.opener} onClick={open}>
      {children}
    </button>
  );
}

/** A click on a button, link or field inside of a row is for that, and one that ends a selection of text is for none. */
function isOnControl(target: EventTarget): boolean {
  const isControl = target instanceof Element && target.closest('button, a, input, label, [role="menu"]') !== null;
  return isControl || (window.getSelection()?.toString() ?? '') !== '';
}
