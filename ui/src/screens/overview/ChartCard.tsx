// A chart with its title, and the same figures as a table for those who want or need one.
import { Button, Skeleton, Text } from '@mantine/core';
import { IconChartBar, IconTable } from '@tabler/icons-react';
import { type ReactNode, Suspense, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import classes from './overview.module.css';

export type ChartColumn = { key: string; header: string };
/** A row of the table: the time first, then a text for each column. */
export type ChartRow = { key: string; time: string; cells: readonly string[] };

type Props = {
  title: string;
  /** What the chart shows, in a sentence. */
  said: string;
  columns: readonly ChartColumn[];
  rows: readonly ChartRow[] | undefined;
  legend: readonly { name: string; color: string }[];
  /** Instead of an empty chart. */
  none: string | null;
  children: ReactNode;
};

export function ChartCard({ title, said, columns, rows, legend, none, children }: Props) {
  const { t } = useTranslation();
  const id = useId();
  const [isTable, setIsTable] = useState(false);
  return (
    <section className={classes.card} aria-labelledby={id}>
      <div className={classes.cardHead}>
        <h2 id={id}>{title}</h2>
        <Button
          variant="subtle"
          color="gray"
          size="compact-sm"
          aria-pressed={isTable}
          leftSection={isTable ? <IconChartBar size={15} aria-hidden /> : <IconTable size={15} aria-hidden />}
          onClick={() => setIsTable(!isTable)}
        >
          {t(isTable ? 'overview.chart.asChart' : 'overview.chart.asTable')}
        </Button>
      </div>
      <div className={classes.chart}>
        {rows === undefined ? (
          <Skeleton height="100%" />
        ) : isTable ? (
          <Figures title={title} columns={columns} rows={rows} />
        ) : none !== null ? (
          <Text c="dimmed" className={classes.nothing}>
            {none}
          </Text>
        ) : (
          <>
            <ul className={classes.legend} aria-hidden>
              {legend.map(({ name, color }) => (
                <li key={name}>
                  <span style={{ background: color }} />
                  {name}
                </li>
              ))}
            </ul>
            <div role="img" aria-label={said} className={classes.plot}>
              <Suspense fallback={<Skeleton height="100%" />}>{children}</Suspense>
            </div>
          </>
        )}
      </div>
    </section>
  );
}

function Figures({ title, columns, rows }: { title: string } & Pick<Props, 'columns'> & { rows: readonly ChartRow[] }) {
  const { t } = useTranslation();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div className={classes.figures} role="group" tabIndex={0} aria-label={title}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('overview.chart.time')}</th>
            {columns.map(({ key, header }) => (
              <th key={key} scope="col">
                {header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {/* what is new is looked for first */}
          {rows.toReversed().map(({ key, time, cells }) => (
            <tr key={key}>
              <th scope="row">{time}</th>
              {cells.map((cell, at) => (
                <td key={columns[at]?.key}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
